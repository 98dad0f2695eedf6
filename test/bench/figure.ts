/** A figure of the bench: ours against a floor or a peer of the same run, in interleaved rounds. */

export type Figure = {
  name: string;
  unit: string;
  ours: number;
  /** what it is measured against, in the same unit; null for a plain bound */
  floor: number | null;
  /** ours / floor; of a plain bound ours / bound */
  ratio: number;
  goal: string;
  /** noisy: the floor moved too much to tell */
  pass: boolean | "noisy";
};

/** By how much the floor may move between rounds before a run says nothing: largest / smallest - 1. */
const noisyAbove = 0.3;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2;
}

/** Measures ours and the floor in turn, so that what slows the machine slows both; `atMost` bounds the ratio of the medians. */
export async function compare(wanted: {
  name: string;
  unit: string;
  rounds: number;
  atMost: number;
  ours: () => Promise<number>;
  floor: () => Promise<number>;
}): Promise<Figure> {
  const ours: number[] = [];
  const floors: number[] = [];
  for (let round = 0; round < wanted.rounds; round += 1) {
    floors.push(await wanted.floor());
    ours.push(await wanted.ours());
  }
  floors.push(await wanted.floor());
  const ratio = median(ours) / median(floors);
  const isNoisy = Math.max(...floors) / Math.min(...floors) - 1 > noisyAbove;
  return {
    name: wanted.name,
    unit: wanted.unit,
    ours: median(ours),
    floor: median(floors),
    ratio,
    goal: `<= ${wanted.atMost} x`,
    pass: isNoisy ? "noisy" : ratio <= wanted.atMost,
  };
}

/** A figure with a plain upper bound, such as memory. */
export function bound(name: string, unit: string, ours: number, atMost: number): Figure {
  return { name, unit, ours, floor: null, ratio: ours / atMost, goal: `<= ${atMost} ${unit}`, pass: ours <= atMost };
}

export function toLine(figure: Figure): string {
  const floor = figure.floor === null ? "-" : figure.floor.toFixed(1);
  const verdict = figure.pass === "noisy" ? "noisy" : figure.pass ? "pass" : "FAIL";
  return [
    figure.name,
    `${figure.ours.toFixed(1)} ${figure.unit}`,
    floor,
    figure.ratio.toFixed(2),
    figure.goal,
    verdict,
  ].join(" | ");
}
