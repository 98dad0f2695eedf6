/**
 * One instance of a home at a time. The lock is an abstract unix socket: no file, gone with the processes that hold it,
 * however those ended. An instance hands it on to its programs, so that the next one waits for what a killed one left
 * running: two coordinators never write one database, and no agent runs twice. Only the instance itself answers at it.
 */
import { connect, createServer, type Server } from "node:net";
import { Refusal } from "../../contract/refusal.ts";
import { systemClock } from "../../daemon/clock.ts";
import { numberOf } from "./home.ts";
import { descriptorOf } from "./ports.ts";

export type Lock = {
  /** to be inherited by every program of the instance */
  descriptor: number;
  release(): void;
};

const lockName = (home: string) => `\0hyperhive-${numberOf(home)}`;

/** Without their instance its programs end within 10 s (daemon/stop.ts). */
const leftEndWithinMs = 20_000;
const lookEveryMs = 100;

/**
 * Becomes the one instance of a home; undefined when another one is.
 * @param note told that programs of a killed instance are waited for
 * @throws Refusal `still_ending` when they do not end
 */
export async function takeLock(home: string, note: (text: string) => void): Promise<Lock | undefined> {
  const late = AbortSignal.timeout(leftEndWithinMs);
  for (let looks = 0; !late.aborted; looks += 1) {
    const server = await bind(lockName(home));
    if (server) return { descriptor: descriptorOf(server), release: () => server.close() };
    if (await isRunning(home)) return undefined;
    if (looks === 0) note("A hive was killed here: waiting until its programs have ended.");
    await systemClock.wait(lookEveryMs, late);
  }
  throw new Refusal(
    "still_ending",
    `Programs of the hive in ${home}, which was killed, still run.`,
    "End them, and start again.",
  );
}

/** undefined when the name is in use. */
function bind(path: string): Promise<Server | undefined> {
  const server = createServer((asker) => asker.on("error", () => asker.destroy()).end("up"));
  server.unref();
  return new Promise((settle, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? settle(undefined) : reject(error),
    );
    server.listen({ path }, () => settle(server));
  });
}

/** A busy instance on a busy machine takes its time. */
const answerWithinMs = 3_000;

/** Whether an instance of that home runs. */
export async function isRunning(home: string): Promise<boolean> {
  const connection = connect({ path: lockName(home), timeout: answerWithinMs });
  try {
    return await new Promise<boolean>((settle) => {
      connection.once("data", () => settle(true));
      for (const event of ["timeout", "error", "close"]) connection.once(event, () => settle(false));
    });
  } finally {
    connection.destroy();
  }
}
