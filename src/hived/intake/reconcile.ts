/**
 * Work `reconcile`: looks for what no bell rang for, since the forge rings once or not at all: at start, when the forge is
 * back, and every five minutes (every half minute on a forge of somebody else's).
 */
import type { ForgeHealth } from "../../contract/facts.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import { describe } from "../../daemon/fault.ts";
import { listAgents } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { Forge } from "../forge/client.ts";
import { ForgeRefusal, isTokenRefused } from "../forge/errors.ts";
import { openPulls } from "../forge/forge-items.ts";
import { type bot, organizations } from "../forge/plan.ts";
import { keepProtection } from "../forge/protection.ts";
import { readerOf, ringItem } from "../forge/refresh.ts";
import { forgetDeliveries } from "./deliveries.ts";

const everyMs = 5 * 60_000;
/** A forge of somebody else's may be unable to reach our hook, which listens on loopback alone: then this is all we have. */
const everyMsOfStrangers = 30_000;
/** Provisioning ends with a reconciliation: a token that it can't mend must not make the two chase each other. */
const provisionAfterMs = 30_000;
const keptDeliveriesMs = 7 * 24 * 60 * 60_000;

type Parts = { core: Core; forge: Forge; kind: ForgeHealth["kind"] };

export async function reconcile({ core, forge, kind }: Parts): Promise<{ again: EpochMs }> {
  await keepProtection(core, forge);
  const agents = core.db.read(listAgents).filter(({ wish }) => wish !== "destroyed");
  for (const owner of [...organizations, ...agents]) await sweep({ core, forge }, owner.name);
  await core.db.write((tx) => {
    // Dismissed reviews ring no bell, and do not always move an item's time.
    for (const { repo, number } of openPulls(tx)) ringItem(tx, core, repo, number);
    for (const kind of ["follow-main", "update-docs"]) core.scheduler.enqueue(tx, kind, "");
    core.scheduler.retryNow(tx); // the forge answers: nothing has to wait for it any more
    forgetDeliveries(tx, core.clock.now() - keptDeliveriesMs);
  });
  return { again: (core.clock.now() + (kind === "external" ? everyMsOfStrangers : everyMs)) as EpochMs };
}

/**
 * Rings for everything of an owner that changed since the last sweep. The place to go on from is the newest time that the
 * forge itself named: its clock need not be ours.
 */
async function sweep({ core, forge }: Omit<Parts, "kind">, owner: string): Promise<void> {
  const key = `swept:${owner}`;
  const [user, since] = core.db.read(
    (reader) => [readerOf(reader, owner), Number(readMeta(reader, key) ?? 0) as EpochMs] as const,
  );
  const changed = user && (await listChanged({ core, forge }, user, owner, since));
  if (!changed) return;
  await core.db.write((tx) => {
    for (const { repo, number } of changed) ringItem(tx, core, repo, number);
    writeMeta(tx, key, String(Math.max(since, ...changed.map(({ updatedAt }) => updatedAt))));
  });
}

/** What is wrong with one user must not end the sweep of the others; a lost token is minted anew by provisioning. */
async function listChanged(
  { core, forge }: Omit<Parts, "kind">,
  user: typeof bot | AgentName,
  owner: string,
  since: EpochMs,
) {
  try {
    return await forge.as(user).listChanged(owner, since);
  } catch (error) {
    if (!isTokenRefused(error) && !(error instanceof ForgeRefusal)) throw error;
    core.log.warn({ owner, problem: describe(error) }, "the forge refuses to say what changed of this owner");
    const due = (core.clock.now() + provisionAfterMs) as EpochMs;
    if (isTokenRefused(error)) await core.db.write((tx) => core.scheduler.enqueue(tx, "provision", "", due));
    return null;
  }
}
