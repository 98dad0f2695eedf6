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

type Row = { one: AgentName; other: AgentName; level: number; at: EpochMs; rests_until: EpochMs | null };
type Two = Pick<Row, "one" | "other">;

const FIND = "SELECT * FROM pairs WHERE one = :one AND other = :other";
const PUT = `INSERT INTO pairs (one, other, level, at, rests_until) VALUES (:one, :other, :level, :at, :rests_until)
  ON CONFLICT (one, other) DO UPDATE SET level = :level, at = :at, rests_until = :rests_until`;
const RESTING = "SELECT * FROM pairs WHERE rests_until IS NOT NULL ORDER BY one, other";

const twoOf = (a: AgentName, b: AgentName): Two => (a < b ? { one: a, other: b } : { one: b, other: a });
const find = (reader: Reader, two: Two) => reader.get<Row>(FIND, two);
const toPair = ({ one, other, rests_until }: Row): Pair => ({ one, other, restsUntil: rests_until });

/** The pairs that rest, in the order of their names. */
export const restingPairs = (reader: Reader): Pair[] => reader.all<Row>(RESTING).map(toPair);

/** @throws Refusal `pair_rests` */
export function requireNoRest(reader: Reader, from: AgentName, to: AgentName, now: EpochMs): void {
  const until = find(reader, twoOf(from, to))?.rests_until ?? null;
  if (until === null || until <= now) return;
  throw new Refusal(
    "pair_rests",
    `${to} and you have written to each other too often of late, so neither reaches the other until ${new Date(until).toISOString()}.`,
    "Go on with what you have; if it can't wait, ask the operator, who can lift this.",
  );
}

/** Counts a letter. @returns until when both rest, when it was one too many */
export function countLetter(tx: Transaction, core: Core, from: AgentName, to: AgentName): EpochMs | null {
  const now = core.clock.now();
  const two = twoOf(from, to);
  const before = find(tx, two);
  const passedMs = Math.max(0, now - (before?.at ?? now));
  const level = Math.max(0, (before?.level ?? 0) - (passedMs / 60_000) * lettersPerMinute) + 1;
  if (level < mostLetters) {
    tx.run(PUT, { ...two, level, at: now, rests_until: before?.rests_until ?? null });
    return null;
  }
  const until = (now + pairRestMs) as EpochMs;
  change(tx, core, { ...two, level: 0, at: now, rests_until: until });
  core.scheduler.enqueue(tx, "end-pair-rest", keyOf(two), until);
  return until;
}

/** The operator lets two agents write to each other again; found done when they may. */
export const liftRest = (core: Core, a: AgentName, b: AgentName): Promise<void> =>
  core.db.write((tx) => {
    const row = find(tx, twoOf(a, b));
    if (!row || row.rests_until === null) return;
    wakeUp(tx, core, row);
    const text = `The operator let ${row.one} and ${row.other} write to each other again.`;
    noteIn(tx, core, text);
  });

/** Work `end-pair-rest`: the time has passed. */
export const endRest = (core: Core, key: string): Promise<{ again: EpochMs } | undefined> =>
  core.db.write((tx) => {
    const [one, other] = key.split("/") as [AgentName, AgentName];
    const row = find(tx, { one, other });
    if (!row || row.rests_until === null) return undefined;
    if (row.rests_until > core.clock.now()) return { again: row.rests_until }; // lifted, and tripped once more
    wakeUp(tx, core, row);
    return undefined;
  });

const keyOf = ({ one, other }: Two) => `${one}/${other}`;

const wakeUp = (tx: Transaction, core: Core, row: Row): void =>
  change(tx, core, { ...row, level: 0, at: core.clock.now(), rests_until: null });

function change(tx: Transaction, core: Core, row: Row): void {
  tx.run(PUT, row);
  core.events.append(tx, { kind: "PairChanged", pair: toPair(row) }, core.clock.now());
}
