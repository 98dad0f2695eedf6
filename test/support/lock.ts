/** Another process that writes to a database. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Resolves when one holds the lock. @param how the statement that takes it */
export async function holdLock(path: string, how: string) {
  const program = join(import.meta.dirname, "hold-lock.ts");
  const child = spawn(process.execPath, [program, path, how], { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const ended = once(child, "exit");
  return {
    async letGo() {
      child.stdin.end();
      await ended;
    },
  };
}
