/** How the forge answers and what provisioning does with it, as everybody sees it. */
import type { ForgeHealth } from "../../contract/facts.ts";
import type { EpochMs } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";

export type ForgeHealthKeeper = {
  read(): ForgeHealth;
  /** whether provisioning has made, since the start, all that it makes */
  isProvisioned(): boolean;
  /** the forge's own version */
  noteVersion(version: string): void;
  /** a sentence while the forge is silent; once it answers again, null, and what was missed is looked for */
  noteSilence(problem: string | null): void;
  /** what provisioning is doing, or what it needs of the operator; null when all is well */
  noteWork(sentence: string | null): void;
  noteCatchUp(progress: ForgeHealth["catchingUp"]): void;
  /** a sentence while the forge's webhooks do not come; null when they do */
  noteHook(problem: string | null): void;
  /** a webhook has come: whatever was found out before, they do come */
  noteDelivery(): void;
  /** resolves when the next webhook comes */
  nextDelivery(): Promise<void>;
};

/**
 * A forge that answers is never polled faster than this: not by the clock; not when one that fails at one thing and answers
 * for the next goes away and comes back with each call; nor when reconciliation and provisioning ask for each other.
 */
export const pollEveryMs = 30_000;

/** A forge of ours is started beside us, and so long it may take before its silence is worth a word. */
const ownStartMs = 20_000;

/** Each change is an event. Nothing of it is kept over a restart, since provisioning then finds it out anew. */
export function openForgeHealth(core: Core, { kind, url }: Pick<ForgeHealth, "kind" | "url">): ForgeHealthKeeper {
  let version: string | null = null;
  let silence: string | null = null;
  let work: string | null = "Looking at what the forge has.";
  let catchingUp: ForgeHealth["catchingUp"] = null;
  let hookProblem: string | null = null;
  let delivery = Promise.withResolvers<void>();
  let nextLookAt = 0;
  const startsUntil = kind === "external" ? 0 : core.clock.now() + ownStartMs;
  const now = (): ForgeHealth => ({ kind, url, version, problem: silence ?? work, hookProblem, catchingUp });
  let committed = now();
  const lookForMissed = (tx: Transaction) => {
    const at = Math.max(core.clock.now(), nextLookAt);
    core.scheduler.enqueue(tx, "reconcile", "", at as EpochMs);
    tx.afterCommit(() => {
      if (at > nextLookAt) nextLookAt = at + pollEveryMs;
    });
  };
  const tell = (isBack = false) => {
    const told = core.db.write((tx) => {
      const health = now();
      if (isBack) lookForMissed(tx);
      if (JSON.stringify(health) === JSON.stringify(committed)) return;
      core.events.append(tx, { kind: "ForgeChanged", forge: health }, core.clock.now());
      tx.afterCommit(() => {
        committed = health;
      });
    });
    told.catch((error: unknown) => core.log.error({ err: error }, "the forge's health could not be noted"));
  };
  const noteHook = (problem: string | null) => {
    if (problem === hookProblem) return;
    hookProblem = problem;
    tell();
  };
  return {
    read: () => committed,
    isProvisioned: () => work === null,
    noteVersion(next) {
      version = next;
      tell();
    },
    noteSilence(said) {
      const isStarting = said !== null && version === null && core.clock.now() < startsUntil;
      const problem = isStarting ? "Waiting for the forge to start." : said;
      if (problem === silence) return;
      const isBack = problem === null && work === null; // provisioning looks for what was missed by itself
      silence = problem;
      tell(isBack);
    },
    noteWork(sentence) {
      work = sentence;
      tell();
    },
    noteCatchUp(progress) {
      catchingUp = progress;
      tell();
    },
    noteHook,
    noteDelivery() {
      noteHook(null);
      delivery.resolve();
      delivery = Promise.withResolvers();
    },
    nextDelivery: () => delivery.promise,
  };
}
