/** Work `tell-deployment`: how an agent's move to another version ended, told on the forge and to whom it concerns. */
import type { AgentName } from "../../contract/names.ts";
import { notify } from "../broker/send.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Forge } from "../forge/client.ts";
import { isRefused } from "../forge/errors.ts";
import { agentsRepo } from "../forge/plan.ts";
import { type Deployment, findDeployment, markTold, newestDeployments } from "../lifecycle/deployments.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { enqueueTelling } from "../lifecycle/wishes.ts";
import { setStatusOnce } from "./announce.ts";
import { type ApprovalRow, findApproval, moveApproval } from "./approvals.ts";
import { howMerged, setDeployStatus, tell } from "./outcomes.ts";

export async function tellDeployment(parts: LifecycleParts, agent: AgentName, number: number): Promise<void> {
  const { core, forge } = parts;
  const deployment = core.db.read((reader) => findDeployment(reader, agent, number));
  if (!deployment || deployment.isTold || (deployment.state !== "ready" && deployment.state !== "failed")) return;
  const bot = forge.as("hive-bot");
  const isReady = deployment.state === "ready";
  if (isReady) await tagOnce(bot, deployment);
  const settled = core.db.read((reader) =>
    deployment.approvals.flatMap((approval) => findApproval(reader, approval) ?? []),
  );
  const undone = isReady ? core.db.read((reader) => takenBack(reader, deployment)) : [];
  const status = isReady
    ? { state: "success" as const, description: `${agent} runs version ${number}` }
    : { state: "failure" as const, description: deployment.problem ?? `${agent} could not be started` };
  for (const { head, state } of settled)
    if (!isReady || state !== "failed") await setStatusOnce(bot, head, "hive/deploy", status);
  if (settled.length === 0) await setStatusOnce(bot, deployment.commit, "hive/deploy", status);
  for (const { row, why } of undone) await setDeployStatus(parts, row, "failure", why);
  await core.db.write((tx) => {
    if (!markTold(tx, deployment)) return enqueueTelling(tx, core, agent, number);
    for (const approval of deployment.approvals) settle(tx, parts, deployment, approval);
    for (const { row, why } of undone) tell(tx, parts, moveApproval(tx, core, row.number, { problem: why }), why);
    if (isReady) wakeFirst(tx, parts, deployment);
    else tellOperator(tx, parts, deployment);
  });
}

/** What a version takes back that is equal to an older one: all that came in between, as far as it was not told yet. */
function takenBack(reader: Reader, { agent, number, tree }: Deployment): { row: ApprovalRow; why: string }[] {
  const older = newestDeployments(reader, agent, number).filter((other) => other.number < number);
  const same = older.findIndex((other) => other.tree === tree);
  const why = `It was taken back: ${agent} runs version ${number}, which is version ${older[same]?.number} again.`;
  return older.slice(0, Math.max(same, 0)).flatMap(({ approvals }) =>
    approvals.flatMap((approval) => {
      const row = findApproval(reader, approval);
      return row?.state === "deployed" && row.problem !== why ? [{ row, why }] : [];
    }),
  );
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

/** One that changes several agents is told of each; it has failed as soon as one of them has. */
function settle(
  tx: Transaction,
  parts: LifecycleParts,
  { agent, number, state, problem }: Deployment,
  approval: number,
): void {
  const before = findApproval(tx, approval);
  if (before?.state !== "converging" && before?.kind !== "other") return;
  const isReady = state === "ready";
  const after = { state: isReady ? ("deployed" as const) : ("failed" as const), problem };
  const row = before.state === "failed" ? before : moveApproval(tx, parts.core, approval, after);
  tell(
    tx,
    parts,
    row,
    isReady
      ? `${howMerged(row)}, and ${agent} runs as version ${number}.`
      : `${agent} could not be started: ${problem}`,
    `told/${approval}/${agent}/${number}`,
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
