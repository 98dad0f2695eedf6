/** What bringing an agent to life needs beside the core. */
import type { AgentRole } from "../../contract/agent.ts";
import type { ApprovalKind } from "../../contract/approval.ts";
import type { AgentName, LaunchId, ObjectId } from "../../contract/names.ts";
import type { Tokens } from "../agents/tokens.ts";
import type { Core, Runner } from "../core.ts";
import type { Reader } from "../database/write.ts";
import type { Forge } from "../forge/client.ts";

export type LifecycleParts = {
  core: Core;
  runner: Runner;
  forge: Forge;
  /** where agents reach the forge */
  forgeUrl: string;
  sockets: {
    /** listens for the agent at the launch's own socket; found done when it does already */
    open(launch: LaunchId, agent: AgentName): Promise<void>;
    close(launch: LaunchId): Promise<void>;
  };
  /** the agent's forge user, token and teams; found done when they are there */
  provisionAgent(agent: AgentName, role: AgentRole): Promise<void>;
  /** takes a destroyed agent's tokens and teams away; found done when they are gone */
  retireAgent(agent: AgentName): Promise<void>;
  tokens: Pick<Tokens, "read">;
  /** merged pull requests that still wait for their agent */
  waitingApprovals(reader: Reader): { number: number; kind: ApprovalKind; agent: string | null }[];
  /** the agents that one of them changes that is about no one agent */
  agentsChangedBy(number: number): Promise<string[]>;
  /** ends the wait of one whose agent main does not have, and tells why; found done when it waits no more */
  failApproval(number: number, problem: string): Promise<void>;
  /** tells that an agent is gone as approved; found done when nothing waits for that */
  tellDestroyed(agent: string): Promise<void>;
};

/** Where an agent's files are in hive/agents. */
export const agentDirectory = (agent: string) => `agents/${agent}`;

/** One version of an agent: a commit, and the git tree of its directory in it. */
export type Version = { commit: ObjectId; tree: ObjectId };
