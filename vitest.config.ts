/** The tests stand beside no front end: without this file vitest would take the dashboard's root for theirs. */
import { defineConfig } from "vitest/config";

export default defineConfig({ test: { include: ["test/**/*.test.ts"] } });
