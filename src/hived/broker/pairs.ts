/**
 * The table of pairs of agents, and the loop breaker: two that answer each other without end use up tokens all night. Their
 * letters to each other, either way, fill a measure that empties steadily; once it is full, both rest.
 *
 *   writing → (too many letters) → resting → (an hour has passed, or the operator lifts it) → writing, from an empty measure
 */
import type { AgentName, EpochMs } from "../../contract/names.ts";
import type { Pair } from "../../contract/pair.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { lettersPerMinute, mostLetters, pairRestMs } from "./limits.ts";

type Row = { one: AgentName; other: AgentName; rests_until: EpochMs };
type Two = Pick<Row, "one" | "other">;

const PUT = "INSERT OR REPLACE INTO pairs (one, other, rests_until) VALUES (:one, :other, :rests_until)";
const REMOVE = "DELETE FROM pairs WHERE one = :one AND other = :other";
const RESTING = "SELECT * FROM pairs ORDER BY one, other";

const twoOf = (a: AgentName, b: AgentName): Two => (a < b ? { one: a, other: b } : { one: b, other: a });
const keyOf = ({ one, other }: Two) => `${one}/${other}`;
const toPair = ({ one, other, rests_until }: Row): Pair => ({ one, other, restsUntil: rests_until });

/** The pairs that rest, in the order of their names. */
export const restingPairs = (reader: Reader): Pair[] => reader.all<Row>(RESTING).map(toPair);

const restsOf = (reader: Reader): Map<string, EpochMs> =>
  reader.remember("resting pairs", () => new Map(reader.all<Row>(RESTING).map((row) => [keyOf(row), row.rests_until])));

/** @throws Refusal `pair_rests` */
export function requireNoRest(reader: Reader, from: AgentName, to: AgentName, now: EpochMs): void {
  const until = restsOf(reader).get(keyOf(twoOf(from, to))) ?? null;
  if (until === null || until <= now) return;
  throw new Refusal(
    "pair_rests",
    `${to} and you have written to each other too often of late, so neither reaches the other until ${new Date(until).toISOString()}.`,
    "Go on with what you have; if it can't wait, ask the operator, who can lift this.",
  );
}

type Measure = { level: number; at: EpochMs };

/** How full the measures of pairs were at the last commit, in memory: what a restart forgets of them is at most one measure more. */
const committed = new WeakMap<Core, Map<string, Measure>>();

function committedOf(core: Core): Map<string, Measure> {
  const measures = committed.get(core) ?? new Map<string, Measure>();
  committed.set(core, measures);
  return measures;
}

/** The same in the write that runs; what is undone is as it was. */
const measuresOf = (reader: Reader, core: Core): Map<string, Measure> =>
  reader.remember("measures of pairs", () => new Map(committedOf(core)));

const levelAt = (measure: Measure | undefined, now: EpochMs): number => {
  if (!measure) return 0;
  const passedMs = Math.max(0, now - measure.at);
  return Math.max(0, measure.level - (passedMs / 60_000) * lettersPerMinute);
};

/** Above so many, those that are empty again are forgotten. */
const mostMeasures = 10_000;

function forget(tx: Transaction, core: Core, key: string): void {
  measuresOf(tx, core).delete(key);
  tx.afterCommit(() => committedOf(core).delete(key));
}

function fill(tx: Transaction, core: Core, key: string, now: EpochMs): number {
  const measures = measuresOf(tx, core);
  const level = levelAt(measures.get(key), now) + 1;
  if (measures.size > mostMeasures && !measures.has(key))
    for (const [other, measure] of measures) if (levelAt(measure, now) === 0) forget(tx, core, other);
  const measure = { level, at: now };
  measures.set(key, measure);
  tx.afterCommit(() => committedOf(core).set(key, measure));
  return level;
}

/** Counts a letter. @returns until when both rest, when it was one too many */
export function countLetter(tx: Transaction, core: Core, from: AgentName, to: AgentName): EpochMs | null {
  const now = core.clock.now();
  const two = twoOf(from, to);
  if (fill(tx, core, keyOf(two), now) < mostLetters) return null;
  const until = (now + pairRestMs) as EpochMs;
  change(tx, core, two, until);
  core.scheduler.enqueue(tx, "end-pair-rest", keyOf(two), until);
  return until;
}

/** The operator lets two agents write to each other again; found done when they may. */
export const liftRest = (core: Core, a: AgentName, b: AgentName): Promise<void> =>
  core.db.write((tx) => {
    const two = twoOf(a, b);
    if (!restsOf(tx).has(keyOf(two))) return;
    change(tx, core, two, null);
    const text = `The operator let ${two.one} and ${two.other} write to each other again.`;
    noteIn(tx, core, text);
  });

/** Work `end-pair-rest`: the time has passed. */
export const endRest = (core: Core, key: string): Promise<{ again: EpochMs } | undefined> =>
  core.db.write((tx) => {
    const until = restsOf(tx).get(key);
    if (until === undefined) return undefined;
    if (until > core.clock.now()) return { again: until }; // lifted, and tripped once more
    const [one, other] = key.split("/") as [AgentName, AgentName];
    change(tx, core, { one, other }, null);
    return undefined;
  });

/** Lets them rest, or go on; from an empty measure either way. */
function change(tx: Transaction, core: Core, two: Two, restsUntil: EpochMs | null): void {
  if (restsUntil === null) tx.run(REMOVE, two);
  else tx.run(PUT, { ...two, rests_until: restsUntil });
  tx.forget("resting pairs");
  forget(tx, core, keyOf(two));
  core.events.append(tx, { kind: "PairChanged", pair: { ...two, restsUntil } }, core.clock.now());
}
