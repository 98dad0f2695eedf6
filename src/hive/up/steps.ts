/** Shows what a start is doing while it does it: a moving line on a terminal, plain lines elsewhere. */
import type { WriteStream } from "node:tty";

export type Step = {
  /** replaces what is said about the step */
  say(detail: string): void;
  /** says how much of it is done; `total` is undefined when nobody knows */
  progress(doneBytes: number, totalBytes: number | undefined): void;
};

export type Steps = {
  /** Runs a step; its result stays, with the time that it took. */
  run<Result>(title: string, work: (step: Step) => Promise<Result>): Promise<Result>;
  /** A line that stays. */
  note(text: string): void;
};

type Output = Pick<WriteStream, "isTTY" | "columns" | "write">;

/** Steps that take less than this are not worth telling their time. */
const worthTelling = 0.5;
const failed = "✗";
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export function openSteps(output: Output): Steps {
  return output.isTTY ? moving(output) : plain(output);
}

function moving(output: Output): Steps {
  const clear = "\r\x1b[2K";
  return {
    note: (text) => void output.write(`${clear}${text}\n`),
    async run(title, work) {
      const startedAt = performance.now();
      let detail = "";
      let frame = 0;
      const draw = () => {
        frame += 1;
        const text = `${frames[frame % frames.length]} ${title}${detail && `: ${detail}`}`;
        output.write(`${clear}${text.slice(0, (output.columns || 80) - 1)}`);
      };
      const timer = setInterval(draw, 100);
      const finish = (mark: string) => {
        clearInterval(timer);
        const left = mark === failed && detail ? `: ${detail}` : "";
        output.write(`${clear}${mark} ${title}${left}${took(startedAt)}\n`);
      };
      const say = (text: string) => {
        detail = text;
        draw();
      };
      draw();
      const progress = (done: number, total: number | undefined) => {
        detail = `${bar(done, total)}${amount(done, total)}`; // drawn with the next frame: it may be called often
      };
      return settle(work({ say, progress }), finish);
    },
  };
}

function plain(output: Output): Steps {
  return {
    note: (text) => void output.write(`${text}\n`),
    async run(title, work) {
      const startedAt = performance.now();
      let last = "";
      output.write(`  ${title} …\n`);
      const say = (text: string) => {
        if (text === last) return;
        last = text;
        output.write(`  ${title}: ${text}\n`);
      };
      const progress = (done: number, total: number | undefined) => say(amount(coarse(done, total), total));
      return settle(work({ say, progress }), (mark) => output.write(`${mark} ${title}${took(startedAt)}\n`));
    },
  };
}

const barWidth = 20;

function bar(done: number, total: number | undefined): string {
  if (total === undefined) return "";
  const full = Math.floor((barWidth * done) / total);
  return `${"█".repeat(full)}${"░".repeat(barWidth - full)} `;
}

const mebibytes = (bytes: number) => Math.floor(bytes / 1024 / 1024);

const amount = (done: number, total: number | undefined) =>
  total === undefined ? `${mebibytes(done)} MiB` : `${mebibytes(done)} of ${mebibytes(total)} MiB`;

/** A line for each tenth is enough for a log. */
function coarse(done: number, total: number | undefined): number {
  const tenth = Math.max(total === undefined ? 0 : total / 10, 10 * 1024 * 1024);
  return done === total ? done : Math.floor(done / tenth) * tenth;
}

async function settle<Result>(work: Promise<Result>, finish: (mark: string) => void): Promise<Result> {
  try {
    const result = await work;
    finish("✓");
    return result;
  } catch (error) {
    finish(failed);
    throw error;
  }
}

function took(startedAt: number): string {
  const seconds = (performance.now() - startedAt) / 1000;
  return seconds < worthTelling ? "" : ` (${seconds.toFixed(1)} s)`;
}
