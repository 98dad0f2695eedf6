/** Work `follow-main`: after every change of hive/agents' main, however it came, each agent is wanted as main has it. */
import { AgentName } from "../../contract/names.ts";
import { findAgent, listAgents } from "../agents/agents.ts";
import { agentsRepo } from "../forge/plan.ts";
import type { LifecycleParts } from "./parts.ts";
import { enqueueConverge, wantDestroyed, wantVersion } from "./wishes.ts";

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
  const changed = new Map<number, string[]>();
  for (const { number, agent } of waiting) if (agent === null) changed.set(number, await parts.agentsChangedBy(number));
  await core.db.write((tx) => {
    for (const { path, sha } of directories) {
      const name = AgentName.safeParse(path);
      if (!name.success) {
        core.log.warn({ directory: path }, "this directory of hive/agents is no agent's: its name is none");
        continue;
      }
      kept.add(name.data);
      const approvals = waiting
        .filter(({ kind, agent, number }) =>
          agent === null ? changed.get(number)?.includes(name.data) : agent === name.data && kind !== "destroy",
        )
        .map(({ number }) => number);
      wantVersion(tx, core, name.data, { commit: main.commit, tree: sha }, approvals);
    }
    for (const { name, wish } of listAgents(tx))
      if (!kept.has(name)) {
        if (wish !== "destroyed") wantDestroyed(tx, core, name);
        else if (waiting.some((row) => row.agent === name)) enqueueConverge(tx, core, name);
      }
  });
  const paths = new Set(directories.map(({ path }) => path));
  for (const { number, kind, agent } of waiting)
    if (kind === "destroy" && agent !== null) await followRemoval(parts, { number, agent, isBack: paths.has(agent) });
    else if (![agent ?? changed.get(number) ?? []].flat().some((name) => kept.has(name)))
      await parts.failApproval(number, whyNone(agent, paths));
}

/** An agent that is to be stopped first is told of by converge; one that never was is gone with its directory. */
async function followRemoval(
  parts: LifecycleParts,
  { number, agent, isBack }: { number: number; agent: string; isBack: boolean },
): Promise<void> {
  if (isBack) return parts.failApproval(number, `main has agents/${agent} again: it was put back.`);
  if (!parts.core.db.read((reader) => findAgent(reader, agent))) await parts.tellDestroyed(agent);
}

/** Why a merged pull request has no agent to wait for. */
function whyNone(agent: string | null, directories: ReadonlySet<string>): string {
  if (agent === null)
    return "main has none of the agents that it changes. Propose each by itself if it is still wanted.";
  return directories.has(agent)
    ? `agents/${agent} is no agent's directory: that name is none. Propose it under another.`
    : `main has no agents/${agent}: it was taken out again. Propose it anew if it is still wanted.`;
}
