/** A figure of the bench: ours against a floor or a peer of the same run, in interleaved rounds. */

export type Figure = {
  name: string;
  unit: string;
  /** null when there was nothing to measure against */
  ours: number | null;
  /** what it is measured against, in the same unit; null for a plain bound */
  floor: number | null;
  /** ours / floor; of a plain bound ours / bound */
  ratio: number | null;
  goal: string;
  /** noisy: the floor moved too much to tell */
  pass: boolean | "noisy" | "not installed";
};

/** Bounds the ratio. */
export type Goal = { atMost: number } | { atLeast: number };

/** By how much the floor may move between rounds before a run says nothing: largest / smallest - 1. */
const noisyAbove = 0.3;

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
};

/** The smallest value that so much of all (0 to 1) does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

const isNoisy = (floors: readonly number[]): boolean => Math.max(...floors) > Math.min(...floors) * (1 + noisyAbove);

/** Measures each in turn, so that what slows the machine slows all; answers with each one's value of every round. */
export async function interleave<Name extends string, Value>(
  rounds: number,
  measures: Record<Name, () => Promise<Value>>,
): Promise<Record<Name, Value[]>> {
  const values = Object.fromEntries(Object.keys(measures).map((name) => [name, [] as Value[]])) as Record<
    Name,
    Value[]
  >;
  for (let round = 0; round < rounds; round += 1)
    for (const name of Object.keys(measures) as Name[]) values[name].push(await measures[name]());
  return values;
}

/** The ratio of the medians, held against the goal. */
export function judge(measured: {
  name: string;
  unit: string;
  ours: readonly number[];
  floor: readonly number[];
  goal: Goal;
}): Figure {
  const { name, unit, floor, goal } = measured;
  const ours = median(measured.ours);
  const ratio = ours / median(floor);
  const isMet = "atMost" in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
  return { name, unit, ours, floor: median(floor), ratio, goal: sayGoal(goal), pass: isNoisy(floor) ? "noisy" : isMet };
}

/** Measures ours and the floor in turn; `atMost` bounds the ratio of the medians. */
export async function compare(wanted: {
  name: string;
  unit: string;
  rounds: number;
  atMost: number;
  ours: () => Promise<number>;
  floor: () => Promise<number>;
}): Promise<Figure> {
  const { name, unit, rounds, atMost } = wanted;
  const { floor, ours } = await interleave(rounds, { floor: wanted.floor, ours: wanted.ours });
  return judge({ name, unit, ours, floor: [...floor, await wanted.floor()], goal: { atMost } });
}

/** A figure with a plain upper bound, such as memory. */
export function bound(name: string, unit: string, ours: number, atMost: number): Figure {
  return {
    name,
    unit,
    ours,
    floor: null,
    ratio: atMost === 0 ? null : ours / atMost,
    goal: `<= ${atMost} ${unit}`,
    pass: ours <= atMost,
  };
}

/** A figure whose peer is not on this machine; `name` says how to get it. */
export const notInstalled = (name: string, unit: string, goal: Goal): Figure => ({
  name,
  unit,
  ours: null,
  floor: null,
  ratio: null,
  goal: sayGoal(goal),
  pass: "not installed",
});

const sayGoal = (goal: Goal): string => ("atMost" in goal ? `<= ${goal.atMost} x` : `>= ${goal.atLeast} x`);

export function toLine({ name, unit, ours, floor, ratio, goal, pass }: Figure): string {
  const verdict = typeof pass === "string" ? pass : pass ? "pass" : "FAIL";
  return [
    name,
    ours === null ? "-" : `${show(ours)} ${unit}`,
    floor === null ? "-" : show(floor),
    ratio === null ? "-" : ratio.toFixed(2),
    goal,
    verdict,
  ].join(" | ");
}

/** Large numbers whole, small ones with three figures. */
const show = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3));
