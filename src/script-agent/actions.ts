/** What a step does to the world: a tool of an MCP server, a shell command, a call of the forge's API. None of them rejects. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Output, Tools } from "./tools.ts";

export async function callTool(tools: Tools, name: string, args: object, signal: AbortSignal): Promise<Output> {
  try {
    return await tools.call(name, args, signal);
  } catch (error) {
    return failed(error);
  }
}

/** The end of an output, in characters, that is kept. */
const mostOutput = 200_000;

/** Runs a command in the shell; its output is what it wrote, and it ends with all that it started. */
export function runCommand(
  command: string,
  { env, cwd, timeoutMs, signal }: { env: NodeJS.ProcessEnv; cwd: string; timeoutMs: number; signal: AbortSignal },
): Promise<Output> {
  const child = spawn("/bin/sh", ["-c", command], { env, cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const kill = () => {
    if (child.pid !== undefined) killGroup(child.pid);
  };
  either.addEventListener("abort", kill, { once: true });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-mostOutput);
    });
  }
  return new Promise((resolve) => {
    const end = (output: Output) => {
      either.removeEventListener("abort", kill);
      resolve(output);
    };
    child.on("error", (error) => end(failed(error)));
    child.on("close", (code) => {
      const cut = either.aborted ? `\n(cut off${signal.aborted ? "" : `: it took over ${timeoutMs / 1000} s`})` : "";
      end({ isSuccess: code === 0, text: `${text.trim()}${cut}` });
    });
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const forgeTimeoutMs = 60_000;

/** Calls the forge as this agent; the output is the status and what it answered. */
export async function callForge(request: string, body: unknown, signal: AbortSignal): Promise<Output> {
  const [method = "GET", path = "/"] = request.split(" ");
  try {
    const token = readFileSync(process.env["HIVE_FORGE_TOKEN_FILE"] ?? "", "utf8").trim();
    const response = await fetch(`${process.env["HIVE_FORGE_URL"]}/api/v1${path}`, {
      method,
      headers: { authorization: `token ${token}`, "content-type": "application/json" },
      signal: AbortSignal.any([signal, AbortSignal.timeout(forgeTimeoutMs)]),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { isSuccess: response.ok, text: `${response.status} ${await response.text()}` };
  } catch (error) {
    return failed(error);
  }
}

function failed(error: unknown): Output {
  const { message, cause } = error as Error;
  return { isSuccess: false, text: cause instanceof Error ? `${message}: ${cause.message}` : String(message) };
}
