/** The processes of one hive, found from outside: whoever knows its directory by argument, environment, place or mount. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

export type Found = { pid: number; argv: string[]; env: Record<string, string> };

/** All that run now for a hive below this directory, whose name is like no other; sandboxes and what was orphaned, too. */
export function processesOf(directory: string): Found[] {
  const name = basename(directory);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const argv = read(entry, "cmdline");
      const environ = read(entry, "environ");
      const traces = [argv, environ, linkOf(entry, "cwd"), read(entry, "mountinfo")];
      if (!traces.some((trace) => trace.includes(name))) return [];
      return [{ pid: Number(entry), argv: listOf(argv), env: Object.fromEntries(listOf(environ).map(pairOf)) }];
    });
}

/** The process that started another one. */
export function parentOf(pid: number): number {
  const stat = read(String(pid), "stat");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

const listOf = (text: string) => text.split("\0").filter((part) => part !== "");
const pairOf = (text: string): [string, string] => {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
};

/** "" for a process that has ended meanwhile, as for one that is none of ours. */
function read(pid: string, file: string): string {
  return orNothing(() => readFileSync(`/proc/${pid}/${file}`, "utf8"));
}

function linkOf(pid: string, file: string): string {
  return orNothing(() => readlinkSync(`/proc/${pid}/${file}`));
}

function orNothing(look: () => string): string {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EINVAL") return "";
    throw error;
  }
}
