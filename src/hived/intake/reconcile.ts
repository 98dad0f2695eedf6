/**
 * Work `reconcile`: looks for what no bell rang for, since the forge rings once or not at all: at start, when the forge is
 * back, and every five minutes; every half minute on a forge of somebody else's, which may be unable to reach our hook, as
 * that listens on loopback alone: then this is all we have.
 */
import type { ForgeHealth } from "../../contract/facts.ts";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import { listAgents } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { Forge } from "../forge/client.ts";
import { ForgeRefusal, isTokenRefused } from "../forge/errors.ts";
import { type ItemPlace, isKnown, openPullsAfter } from "../forge/forge-items.ts";
import { noteGuest } from "../forge/guest-repos.ts";
import { pollEveryMs } from "../forge/health.ts";
import { organizations } from "../forge/plan.ts";
import { keepProtection } from "../forge/protection.ts";
import { ownerReader, ringItem } from "../forge/refresh.ts";
import { forgetDeliveries } from "./deliveries.ts";
import { ringForGone } from "./gone.ts";

const everyMs = 5 * 60_000;
/** The most bells of one commit. */
const batch = 500;
const keptDeliveriesMs = 7 * 24 * 60 * 60_000;

type Parts = { core: Core; forge: Forge; kind: ForgeHealth["kind"] };

export async function reconcile({ core, forge, kind }: Parts): Promise<{ again: EpochMs }> {
  await keepRule(core, forge);
  const agents = core.db.read(listAgents).filter(({ wish }) => wish !== "destroyed");
  for (const owner of [...organizations, ...agents]) await sweep({ core, forge }, owner.name);
  for (const { name } of agents) await sweepAsGuest({ core, forge }, name);
  await ringOpenPulls(core);
  await core.db.write((tx) => {
    for (const kind of ["follow-main", "update-docs"]) core.scheduler.enqueue(tx, kind, "");
    core.scheduler.retryNow(tx); // the forge answers: nothing has to wait for it any more
    forgetDeliveries(tx, core.clock.now() - keptDeliveriesMs);
  });
  return { again: (core.clock.now() + (kind === "external" ? pollEveryMs : everyMs)) as EpochMs };
}

/** What the rule can't be put right for is somebody's to mend on the forge: it is tried for ever, and told meanwhile. */
async function keepRule(core: Core, forge: Forge): Promise<void> {
  try {
    await keepProtection(core, forge);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Fault(`${error.message} ${error.next}`, { cause: error });
  }
}

/**
 * Rings for everything of an owner that changed since the last sweep, page by page, so that a night's worth is never held at
 * once. The place to go on from is the newest time that the forge itself named, as its clock need not be ours; it is noted
 * when all pages were seen, for they have no order of time.
 */
async function sweep({ core, forge }: Pick<Parts, "core" | "forge">, owner: string): Promise<void> {
  const key = `swept:${owner}`;
  const [user, since] = core.db.read(
    (reader) => [ownerReader(reader, owner), Number(readMeta(reader, key) ?? 0) as EpochMs] as const,
  );
  if (!user) return;
  const as = forge.as(user);
  const fresh = new Map<string, number>();
  let newest = since;
  try {
    for await (const { changed } of as.changedPages(owner, since)) {
      await core.db.write((tx) => {
        for (const { repo, number, updatedAt } of changed) {
          if (!isKnown(tx, { repo, number })) fresh.set(repo, (fresh.get(repo) ?? 0) + 1);
          if (updatedAt > newest) newest = updatedAt;
          ringItem(tx, core, repo, number);
        }
      });
    }
    await ringForGone(core, as, owner, fresh);
  } catch (error) {
    return await outliveRefusal(core, owner, error);
  }
  await core.db.write((tx) => writeMeta(tx, key, String(newest)));
}

/** The same for the pull requests of an agent in other people's repositories, and those that it is to review there. */
async function sweepAsGuest({ core, forge }: Pick<Parts, "core" | "forge">, agent: AgentName): Promise<void> {
  const key = `swept-as-guest:${agent}`;
  const since = Number(core.db.read((reader) => readMeta(reader, key)) ?? 0) as EpochMs;
  let newest = since;
  try {
    for await (const changed of forge.as(agent).ownPullPages(since)) {
      await core.db.write((tx) => {
        for (const { repo, number, updatedAt } of changed) {
          if (updatedAt > newest) newest = updatedAt;
          if (ownerReader(tx, repo) !== null) continue;
          noteGuest(tx, repo, agent);
          ringItem(tx, core, repo, number);
        }
      });
    }
  } catch (error) {
    return await outliveRefusal(core, agent, error);
  }
  if (newest > since) await core.db.write((tx) => writeMeta(tx, key, String(newest)));
}

/** Dismissed reviews ring no bell, and do not always move an item's time. */
async function ringOpenPulls(core: Core): Promise<void> {
  let last: ItemPlace | undefined = { repo: "", number: 0 };
  while (last) {
    const after: ItemPlace = last;
    const items = core.db.read((reader) => openPullsAfter(reader, after, batch));
    await core.db.write((tx) => {
      for (const { repo, number } of items) ringItem(tx, core, repo, number);
    });
    last = items.at(-1);
  }
}

/** What is wrong with one user must not end the sweep of the others; a lost token is minted anew by provisioning. */
async function outliveRefusal(core: Core, owner: string, error: unknown): Promise<void> {
  if (!isTokenRefused(error) && !(error instanceof ForgeRefusal)) throw error;
  core.log.warn({ owner, problem: describe(error) }, "the forge refuses to say what changed of this owner");
  const due = (core.clock.now() + pollEveryMs) as EpochMs;
  if (isTokenRefused(error)) await core.db.write((tx) => core.scheduler.enqueue(tx, "provision", "", due));
}
