/** MCP clients outside of a sandbox: a token says whose tools they call. One session per agent, however many clients it has. */
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { agentOfMcpToken } from "../agents/mcp-tokens.ts";
import type { Core } from "../core.ts";
import type { Docs } from "./docs.ts";
import type { PostAnswer, Session } from "./session.ts";
import type { AgentTools } from "./tools.ts";

export type OutsideMcp = {
  /** A posted message of whoever has the token. @throws Refusal when it is nobody's */
  post(token: string, message: unknown): Promise<PostAnswer>;
  close(): Promise<void>;
};

type Parts = { core: Core; tools: AgentTools; docs: Docs; version: string };

export function openOutsideMcp({ core, tools, docs, version }: Parts): OutsideMcp {
  const sessions = new Map<AgentName, Promise<Session>>();
  const open = async (agent: AgentName) => {
    const { openSession } = await import("./session.ts"); // the SDK is loaded when somebody comes
    return openSession({ agent, launch: null }, tools, { version, docs });
  };
  return {
    async post(token, message) {
      const agent = agentOfMcpToken(core, token);
      if (!agent)
        throw new Refusal(
          "bad_token",
          "This token is not known, or was revoked.",
          "Ask the operator for one: `hive token create --mcp <agent>`.",
        );
      const session = sessions.get(agent) ?? open(agent);
      sessions.set(agent, session);
      return (await session).post(message);
    },
    async close() {
      for (const session of sessions.values()) await (await session).close();
    },
  };
}
