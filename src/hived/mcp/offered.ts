/** The tools as a client lists them, for each role. */
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { AgentRole } from "../../contract/agent.ts";
import { inputOf, isToolOf, toolList } from "../../contract/tools.ts";

const made = new Map<string, Tool[]>();

/** The same for every agent of a role, so made once; and not before somebody asks. */
export function offeredTo(role: AgentRole, isOutside: boolean): Tool[] {
  const key = `${role} ${isOutside}`;
  const tools = made.get(key) ?? make(role, isOutside);
  made.set(key, tools);
  return tools;
}

const make = (role: AgentRole, isOutside: boolean): Tool[] =>
  toolList
    .filter((tool) => isToolOf(role, tool))
    .map(({ name, description, readOnly, idempotent, ...tool }) => ({
      name,
      description,
      inputSchema: z.toJSONSchema(inputOf(tool, isOutside), { io: "input" }) as Tool["inputSchema"],
      ...(readOnly && { annotations: { readOnlyHint: true } }),
      ...(idempotent && { annotations: { idempotentHint: true } }),
      // Claude Code hides tools behind a search otherwise
      _meta: { "anthropic/alwaysLoad": true },
    }));
