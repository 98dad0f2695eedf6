import { z } from "zod";
import { AgentName, EpochMs } from "./names.ts";

/** Two agents, in the order of their names, and until when they may not write to each other; null: they may. */
export const Pair = z.object({ one: AgentName, other: AgentName, restsUntil: EpochMs.nullable() });
export type Pair = z.infer<typeof Pair>;
