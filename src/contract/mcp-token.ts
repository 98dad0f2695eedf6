import { z } from "zod";
import { AgentName, EpochMs } from "./names.ts";

/** A token of an MCP client outside of a sandbox, as the operator sees it. */
export const McpToken = z.object({
  id: z.number().int(),
  agent: AgentName,
  createdAt: EpochMs,
  /** to about a minute; null before the first time */
  lastUsedAt: EpochMs.nullable(),
});
export type McpToken = z.infer<typeof McpToken>;
