/** Work `tell-deployment`: how an agent's move to another version ended, told on the forge and to whom it concerns. */
import type { AgentName } from "../../contract/names.ts";
import { notify } from "../broker/send.ts";
import type { Transaction } from "../database/write.ts";
import type { Forge } from "../forge/client.ts";
import { isRefused } from "../forge/errors.ts";
import { agentsRepo } from "../forge/plan.ts";
import { type Deployment, findDeployment, markTold } from "../lifecycle/deployments.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { enqueueTelling } from "../lifecycle/wishes.ts";
import { setStatusOnce } from "./announce.ts";
import { findApproval, moveApproval } from "./approvals.ts";
import { howMerged, tell } from "./outcomes.ts";

export async function tellDeployment(parts: LifecycleParts, agent: AgentName, number: number): Promise<void> {
  const { core, forge } = parts;
  const deployment = core.db.read((reader) => findDeployment(reader, agent, number));
  if (!deployment || deployment.isTold || (deployment.state !== "ready" && deployment.state !== "failed")) return;
  const bot = forge.as("hive-bot");
  const isReady = deployment.state === "ready";
  if (isReady) await tagOnce(bot, deployment);
  const heads = core.db.read((reader) =>
    deployment.approvals.flatMap((approval) => findApproval(reader, approval)?.head ?? []),
  );
  const status = isReady
    ? { state: "success" as const, description: `${agent} runs version ${number}` }
    : { state: "failure" as const, description: deployment.problem ?? `${agent} could not be started` };
  for (const sha of heads.length > 0 ? heads : [deployment.commit])
    await setStatusOnce(bot, sha, "hive/deploy", status);
  await core.db.write((tx) => {
    if (!markTold(tx, deployment)) return enqueueTelling(tx, core, agent, number);
    for (const approval of deployment.approvals) settle(tx, parts, deployment, approval);
    if (isReady) wakeFirst(tx, parts, deployment);
    else tellOperator(tx, parts, deployment);
  });
}

/** Tags what runs now. Where another hive on this forge has used the number for another commit, the next free one is taken. */
async function tagOnce(bot: ReturnType<Forge["as"]>, { agent, number, commit }: Deployment): Promise<void> {
  const prefix = `deployed/${agent}/`;
  const tag = (free: number) =>
    bot.createTag(agentsRepo, `${prefix}${free}`, commit, `${agent} runs version ${number}`);
  try {
    await tag(number);
  } catch (error) {
    if (!isRefused(error, 409)) throw error;
    const taken = (await bot.listTags(agentsRepo)).filter(({ name }) => name.startsWith(prefix));
    if (taken.some((other) => other.commit === commit)) return; // we were cut off after it
    await tag(Math.max(...taken.map(({ name }) => Number(name.slice(prefix.length)) || 0)) + 1);
  }
}

function settle(
  tx: Transaction,
  parts: LifecycleParts,
  { agent, number, state, problem }: Deployment,
  approval: number,
): void {
  if (findApproval(tx, approval)?.state !== "converging") return;
  const isReady = state === "ready";
  const row = moveApproval(tx, parts.core, approval, { state: isReady ? "deployed" : "failed", problem });
  tell(
    tx,
    parts,
    row,
    isReady
      ? `${howMerged(row)}, and ${agent} runs as version ${number}.`
      : `${agent} could not be started: ${problem}`,
  );
}

/** The first turn of a new version; once, however often its telling is repeated. */
function wakeFirst(tx: Transaction, { core }: LifecycleParts, { agent, number }: Deployment): void {
  const body =
    number === 1
      ? "Welcome: you have been started for the first time. Your instructions are in AGENTS.md of your configuration; begin."
      : `Your configuration has changed: you run version ${number} now. Read your instructions again.`;
  notify(tx, core, { to: agent, body, clientId: `deployed/${agent}/${number}` });
}

const tellOperator = (tx: Transaction, { core }: LifecycleParts, { agent, number, problem }: Deployment) =>
  notify(tx, core, {
    to: "operator",
    body: `Version ${number} of ${agent} could not be started: ${problem} What ran before goes on running. Mend it on main of ${agentsRepo}, or put main back: \`hive agent revert ${agent}\`, or the button on its page.`,
    clientId: `failed/${agent}/${number}`,
  });
