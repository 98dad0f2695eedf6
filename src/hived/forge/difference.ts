/**
 * How wanted and found are brought together: a piece looks at one part of the forge and tells where it differs, each
 * difference with the way to repair it. A check only looks; provisioning repairs, and looks again.
 */
import { Fault } from "../../contract/fault.ts";
import type { Drift } from "../../contract/forge.ts";
import type { AgentName } from "../../contract/names.ts";

/** @returns what is left for the operator to do, as a sentence */
type Repair = () => Promise<string | undefined>;
export type Difference = Drift & { repair: Repair };

export type Piece = {
  look(): Promise<Difference[]>;
  /** the forge shows what was made a little later than it made it: it is believed */
  isShownLater?: boolean;
};

export type Kept = {
  repaired: Drift[];
  /** what only the operator can do */
  left: string[];
};

export const difference = (
  what: string,
  wanted: string,
  found: string | null,
  repair: () => Promise<unknown>,
): Difference => ({
  what,
  wanted,
  found,
  repair: async () => {
    const said = await repair();
    return typeof said === "string" ? said : undefined;
  },
});

/**
 * Makes a piece what it should be. Forgejo drops what it finds unsuitable without a word, so it is read back.
 * @throws Fault when the forge does not keep what it was given
 */
export async function keep({ look, isShownLater }: Piece, say: (sentence: string) => void): Promise<Kept> {
  const repaired: Drift[] = [];
  const left: string[] = [];
  for (const { repair, ...drift } of await look()) {
    say(`${drift.found === null ? "Making" : "Putting right"}: ${drift.what}.`);
    const sentence = await repair();
    if (sentence === undefined) repaired.push(drift);
    else left.push(sentence);
  }
  if (repaired.length === 0 || left.length > 0 || isShownLater) return { repaired, left };
  const still = await look();
  if (still.length > 0) throw new Fault(`The forge does not take this: ${still.map(driftText).join("; ")}.`);
  return { repaired, left };
}

const driftText = ({ what, wanted, found }: Drift): string =>
  `${what} should have ${wanted}, and has ${found ?? "nothing"}`;

/** Forgejo on SQLite writes one thing at a time; that many calls keep it busy. */
const atOnce = 4;

/** Carries out a task for each of some things, a few at once; the first error ends it. */
export async function eachOf<Thing>(things: readonly Thing[], task: (thing: Thing) => Promise<void>): Promise<void> {
  const waiting = [...things];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await task(next);
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    waiting.length = 0;
  }
}

/** What makes or takes an agent's account, tokens and teams is done in this turn. */
export const inTurnOf = <Result>(agent: AgentName, task: () => Promise<Result>): Promise<Result> =>
  inTurn(`agent ${agent}`, task);

const tails = new Map<string, Promise<unknown>>();

/** Runs a task when the ones before it under the same name are over: two that change the same thing would be at odds. */
export function inTurn<Result>(name: string, task: () => Promise<Result>): Promise<Result> {
  const done = (tails.get(name) ?? Promise.resolve()).catch(() => undefined).then(task);
  tails.set(name, done);
  return done.finally(() => {
    if (tails.get(name) === done) tails.delete(name);
  });
}
