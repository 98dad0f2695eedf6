/** Work `follow-main`: after every change of hive/agents' main, however it came, each agent is wanted as main has it. */
import { AgentName } from "../../contract/names.ts";
import { listAgents } from "../agents/agents.ts";
import { agentsRepo } from "../forge/plan.ts";
import type { LifecycleParts } from "./parts.ts";
import { wantDestroyed, wantVersion } from "./wishes.ts";

export async function followMain(parts: LifecycleParts): Promise<void> {
  const { core, forge } = parts;
  // Read before the head is: so the head contains them all.
  const waiting = core.db.read(parts.waitingApprovals);
  const bot = forge.as("hive-bot");
  const main = await bot.readBranch(agentsRepo, "main");
  if (!main) return;
  const root = await bot.readTree(agentsRepo, main.commit);
  const agents = root.find(({ path, type }) => path === "agents" && type === "tree");
  const entries = agents ? await bot.readTree(agentsRepo, agents.sha) : [];
  const directories = entries.filter(({ type }) => type === "tree");
  const kept = new Set<string>();
  await core.db.write((tx) => {
    for (const { path, sha } of directories) {
      const name = AgentName.safeParse(path);
      if (!name.success) {
        core.log.warn({ directory: path }, "this directory of hive/agents is no agent's: its name is none");
        continue;
      }
      kept.add(name.data);
      const approvals = waiting.filter(({ agent }) => agent === name.data).map(({ number }) => number);
      wantVersion(tx, core, name.data, { commit: main.commit, tree: sha }, approvals);
    }
    for (const { name, wish } of listAgents(tx))
      if (!kept.has(name) && wish !== "destroyed") wantDestroyed(tx, core, name);
  });
  const paths = new Set(directories.map(({ path }) => path));
  for (const { number, agent } of waiting)
    if (agent === null || !kept.has(agent)) await parts.failApproval(number, whyNone(agent, paths));
}

/** Why a merged pull request has no agent to wait for. */
function whyNone(agent: string | null, directories: ReadonlySet<string>): string {
  if (agent === null) return "it is about no one agent. Propose one directory under agents/.";
  return directories.has(agent)
    ? `agents/${agent} is no agent's directory: that name is none. Propose it under another.`
    : `main has no agents/${agent}: it was taken out again. Propose it anew if it is still wanted.`;
}
