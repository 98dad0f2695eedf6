/**
 * Imported before any schema is made: zod would try to compile each one as it is made (zod 4, $ZodObjectJIT), and the
 * page's policy forbids code that is made at run time and reports the attempt.
 */
import { z } from "zod";

z.config({ jitless: true });
