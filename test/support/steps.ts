/** Runs a command to its end, showing what it prints when it fails, and says how long it took. */
import { spawn } from "node:child_process";
import { join } from "node:path";

const top = join(import.meta.dirname, "..", "..");
const bin = join(top, "node_modules", ".bin");

export type Ran = { code: number; output: string; seconds: number };

/** Runs one of the project's own tools (or any program on PATH) at the top of the checkout. */
export async function run(argv: readonly string[]): Promise<Ran> {
  const began = performance.now();
  const [command = "", ...rest] = argv;
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, FORCE_COLOR: "0" };
  const child = spawn(command, rest, { cwd: top, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? 1));
  });
  if (code !== 0) process.stdout.write(output);
  return { code, output, seconds: (performance.now() - began) / 1000 };
}
