/**
 * Started by root: prepares what only root can, and hands over to a process of an unprivileged user. Nothing of the hive
 * runs as root, and nothing is written as root into a directory that the user owns.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  writeSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { Refusal } from "../../contract/refusal.ts";
import { copyForgejo, copyProgram, isCopy } from "./copies.ts";
import { findForgejo } from "./forgejo.ts";
import { buildFrontEnd, needsBuild } from "./front-end.ts";
import { homeAt, homeRefusal } from "./home.ts";
import { homeOf, readRecord } from "./record.ts";
import type { Steps } from "./steps.ts";
import { databaseVersion } from "./upgrade.ts";

/** A number that no distribution gives to an account of its own (Debian policy 9.2.2: 1000 to 59999 are the machine's). */
const usualUser = 47_483;
/** Copies for the user, root's own, where they can be made again at any time. */
const cache = "/var/cache/hyperhive";

type User = { uid: number; gid: number };

export type RootStart = {
  root: string;
  program: string;
  /** what to run as that user: a command with its options, but for the home */
  command: readonly string[];
  /** a file that the user has to be able to read */
  reads: string | undefined;
  /** an account's name or number; undefined: the usual number */
  user: string | undefined;
  steps: Steps;
};

/**
 * Makes everything ready for a user, and tells bin.mjs to run a command as that user once this process has ended.
 * @throws Refusal `unknown_user`, `home_not_writable` or `file_unreadable`.
 */
export async function handOver({ root, program, command, reads, steps, ...options }: RootStart): Promise<void> {
  const user = userOf(options.user);
  process.umask(0o022); // what is made here, others must be able to read
  if (needsBuild(program)) await steps.run("Building the dashboard", () => buildFrontEnd(program));
  makeHome(root, user);
  if (reads !== undefined) checkReadable(user, reads);
  const readable = await readableProgram(program, user, steps);
  const forgejo = await readableForgejo(root, user, steps);
  steps.note(`Started by root: running as user ${user.uid}.`);
  const main = join(readable, "src/hive/main.ts");
  const argv = [
    ...[nodeIn(readable, program), "--disable-warning=ExperimentalWarning", main],
    ...[...command, "--home", root],
  ];
  const env = environmentOf({ home: root, compiled: compiledFor(user), forgejo });
  const start = { argv, env, cwd: root, ...user };
  writeSync(Number(process.env["HIVE_HAND_OVER"]), JSON.stringify(start));
}

/** The Node that runs this, in the copy if the original has it. */
function nodeIn(readable: string, program: string): string {
  const path = relative(program, process.execPath);
  return path.startsWith("..") ? process.execPath : join(readable, path);
}

function userOf(asked: string | undefined): User {
  if (asked === undefined) return { uid: usualUser, gid: usualUser };
  const uid = numberOf("-u", asked);
  if (uid === 0) throw new Refusal("unknown_user", "A hive does not run as root.", "Name another user with --user.");
  return { uid, gid: numberOf("-g", asked) };
}

/** The number of an account, or of a bare number that has none. */
function numberOf(kind: "-u" | "-g", name: string): number {
  const { status, stdout } = spawnSync("id", [kind, name], { encoding: "utf8" });
  if (status === 0) return Number(stdout);
  if (/^\d+$/.test(name)) return Number(name);
  throw new Refusal("unknown_user", `There is no user ${name} on this machine.`, "Name another one with --user.");
}

/** Makes the home's directory for the user, or gives it one that is empty. What is in it the user makes. */
function makeHome(root: string, user: User): void {
  try {
    mkdirSync(dirname(root), { recursive: true });
    mkdirSync(root, { recursive: true, mode: 0o700 });
    giveAway(root, user);
  } catch (error) {
    throw homeRefusal(root, error as NodeJS.ErrnoException);
  }
  if (!canRead(user, [root]) || lstatSync(root).uid !== user.uid)
    throw new Refusal(
      "home_not_writable",
      `The hive's home ${root} cannot be used by user ${user.uid}, as whom the hive runs.`,
      "Choose another with --home or HIVE_HOME, or another user with --user.",
    );
}

/** Only an empty directory of root's own, and by its descriptor: nobody can put another in its place meanwhile. */
function giveAway(root: string, user: User): void {
  const descriptor = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (fstatSync(descriptor).uid === 0 && readdirSync(root).length === 0) fchownSync(descriptor, user.uid, user.gid);
  } finally {
    closeSync(descriptor);
  }
}

/** Where the user's hives keep compiled modules, which root never runs. Without it they compile at each start. */
function compiledFor(user: User): string {
  const directory = join(cache, `compiled-${user.uid}`);
  try {
    mkdirSync(directory, { recursive: true });
    giveAway(directory, user);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EROFS" && code !== "EACCES" && code !== "ENOSPC") throw error;
  }
  return directory;
}

function checkReadable(user: User, path: string): void {
  if (canRead(user, [path])) return;
  throw new Refusal(
    "file_unreadable",
    `${path} cannot be read by user ${user.uid}, as whom the hive runs.`,
    `Give it to that user: chown ${user.uid} ${path}`,
  );
}

/** Whether the user can read files, and run what stands first among them if it is a program. */
function canRead(user: User, paths: string[]): boolean {
  const script = 'for path; do [ -r "$path" ] || exit 1; done';
  const { status } = spawnSync("/bin/sh", ["-c", script, "sh", ...paths], { ...user, cwd: "/", env: {} });
  return status === 0;
}

function canRun(user: User, path: string): boolean {
  return spawnSync(path, ["--version"], { ...user, cwd: "/", env: { HOME: "/", USER: "hive" } }).status === 0;
}

/** The program's own directory, or a copy that the user can read. */
async function readableProgram(program: string, user: User, steps: Steps): Promise<string> {
  const some = ["package.json", "src/hive/main.ts", "node_modules/fastify/package.json", "dist/dashboard/index.html"];
  const paths = some.map((path) => join(program, path));
  if (canRead(user, paths) && canRun(user, process.execPath)) return program;
  const copy = join(cache, `program-${createHash("sha256").update(program).digest("hex").slice(0, 12)}`);
  await steps.run(`Copying the program to where user ${user.uid} can read it`, async () => copyProgram(program, copy));
  return copy;
}

/** A Forgejo for the home that the user can run; undefined when there is none, or only older ones: the user may have another. */
async function readableForgejo(root: string, user: User, steps: Steps): Promise<string | undefined> {
  const forge = readRecord(homeAt(root).record)?.forge;
  const home = forge ? homeOf(homeAt(root), forge) : homeAt(root);
  const found = await findForgejo(databaseVersion(home));
  if (!found || canRun(user, found.path)) return found?.path;
  const copy = join(cache, "forgejo", found.version, "forgejo");
  if (isCopy(found.path, copy) && canRun(user, copy)) return copy;
  await steps.run(`Copying Forgejo ${found.version} to where user ${user.uid} can run it`, async () =>
    copyForgejo(found.path, copy),
  );
  return copy;
}

type Environment = { home: string; compiled: string; forgejo: string | undefined };

/** Root's environment without what is root's own. */
function environmentOf({ home, compiled, forgejo }: Environment): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(XDG_|SUDO_|npm_|MAIL$|LOGNAME$|HIVE_HAND_OVER$)/.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    HOME: home,
    USER: "hive",
    HIVE_PREPARED: "1",
    NODE_COMPILE_CACHE: compiled,
    ...(forgejo === undefined ? {} : { HIVE_FORGEJO_BIN: forgejo }),
  };
}
