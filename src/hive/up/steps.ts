/** Shows what a start is doing while it does it: a moving line on a terminal, plain lines elsewhere. */
import type { WriteStream } from "node:tty";

export type Step = {
  /** replaces what is said about the step */
  say(detail: string): void;
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
      return settle(work({ say }), finish);
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
      return settle(work({ say }), (mark) => output.write(`${mark} ${title}${took(startedAt)}\n`));
    },
  };
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
