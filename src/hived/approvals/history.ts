/** The versions of an agent, and which pull requests brought each. */
import type { AgentName } from "../../contract/names.ts";
import type { AgentVersion } from "../../contract/version.ts";
import { requireAgent } from "../agents/agents.ts";
import type { Reader } from "../database/write.ts";
import { type Deployment, newestDeployments } from "../lifecycle/deployments.ts";
import { findApproval } from "./approvals.ts";
import { isApproved } from "./outcomes.ts";

/** Newest first, at most `limit`; `more`: there are older ones. @throws Refusal `unknown_agent` */
export function readVersions(
  reader: Reader,
  { agent, limit }: { agent: AgentName; limit: number },
): { versions: AgentVersion[]; more: boolean } {
  const found = newestDeployments(reader, requireAgent(reader, agent).name, limit + 1);
  return { versions: found.slice(0, limit).map((row) => toVersion(reader, row)), more: found.length > limit };
}

const toVersion = (
  reader: Reader,
  { number, commit, tree, at, state, problem, approvals }: Deployment,
): AgentVersion => ({
  ...{ number, commit, tree, at, state, problem },
  approvals: approvals.flatMap((approval) => {
    const row = findApproval(reader, approval);
    if (!row) return [];
    const { number, submitter, summary, url } = row;
    return [{ number, submitter, summary, url, isApproved: isApproved(row) }];
  }),
});
