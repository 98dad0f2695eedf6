/** What `hive agent doctor` finds: each thing that an agent needs to work, tried where it runs. */
import { z } from "zod";
import { RuntimeKind } from "./agent.ts";
import { AgentName } from "./names.ts";

export const Finding = z.object({
  /** what was tried */
  what: z.enum(["coding agent", "sign-in", "API", "tools", "git"]),
  /** unknown: there is no way to find out beforehand */
  state: z.enum(["well", "failed", "unknown"]),
  /** a sentence */
  found: z.string(),
  /** what to do about it, in a sentence; null when there is nothing to do */
  next: z.string().nullable(),
});
export type Finding = z.infer<typeof Finding>;

export const Examination = z.object({
  agent: AgentName,
  /** the name of its coding agent */
  codingAgent: z.string(),
  runtime: RuntimeKind,
  findings: z.array(Finding),
});
export type Examination = z.infer<typeof Examination>;
