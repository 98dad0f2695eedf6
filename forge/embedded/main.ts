/**
 * The embedded forge as a program: `node forge/embedded/main.ts '<JSON config>'`. It says on stdout in one line that it
 * serves, or why it will not start (exit code 78: to try again is of no use). SIGTERM, SIGINT and the end of the pipe at
 * descriptor 3, when HIVE_LIFELINE is set, stop it.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { pino } from "pino";
import { startForge } from "./app.ts";
import { ForgeConfig } from "./config.ts";
import { DatabaseRefusal } from "./database/open.ts";

const LIFELINE = 3;
const REFUSED_EXIT_CODE = 78;
const STOP_WITHIN_MS = 1500;

const name = "forge";
const log = pino(
  { name, level: process.env["HIVE_LOG_LEVEL"] ?? "info", base: { name } },
  pino.destination({ dest: 2, sync: true }),
);

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  if (process.env["HIVE_LIFELINE"]) {
    const lifeline = new Socket({ fd: LIFELINE, readable: true, writable: false });
    lifeline.on("close", stop);
    lifeline.on("error", () => lifeline.destroy());
    lifeline.resume();
    lifeline.unref();
  }
  return controller.signal;
}

/** Why a start is refused, and what to do about it; undefined for everything else. */
function refusalOf(error: unknown): { code: string; message: string; next: string } | undefined {
  if (error instanceof DatabaseRefusal) {
    const next =
      error.code === "in_use" ? "Stop the other forge first." : "Start the version that wrote it, or a newer one.";
    return { code: error.code, message: error.message, next };
  }
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
    return {
      code: "port_taken",
      message: "The forge's port is taken by another program.",
      next: "Stop that program, or choose another port.",
    };
  }
  return undefined;
}

const say = (line: object): number => writeSync(1, `${JSON.stringify(line)}\n`);

const signal = stopSignal();
signal.addEventListener("abort", () => setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref(), { once: true });
const forge = await startForge(ForgeConfig.parse(JSON.parse(process.argv[2] ?? "{}")), { log }).catch(
  (error: unknown) => {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    say({ refusal });
    process.exit(REFUSED_EXIT_CODE);
  },
);
log.info({ url: forge.url }, "the forge serves");
say({ ready: true });
if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
await forge.stop();
process.exit(0);
