/** Where a hive lives: its home, and its short runtime directory for sockets. */
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { Refusal } from "../../contract/refusal.ts";

/** Less than this free, and nothing is started. */
const reserveBytes = 64 * 1024 * 1024;
/** sun_path of a unix socket holds 108 bytes with its end (unix(7)); below a runtime directory we need up to 60 of them. */
const longestRuntime = 107 - 60;

export type Home = {
  root: string;
  hived: string;
  forge: string;
  agents: string;
  /** what agents' programs keep for themselves, each for its own agent: their sign-ins */
  private: string;
  shared: string;
  docs: string;
  logs: string;
  /** up.json */
  record: string;
  adminToken: string;
  /** mail.json: the operator's own */
  mail: string;
};

/** `--home`, HIVE_HOME, or the usual place: of root, one that the unprivileged user can have. */
export function chooseHome(asked: string | undefined): string {
  const usual = process.getuid?.() === 0 ? "/var/lib/hyperhive" : join(homedir(), ".local/share/hyperhive");
  return resolve(asked ?? (process.env["HIVE_HOME"] || usual));
}

export function homeAt(root: string): Home {
  return {
    root,
    hived: join(root, "hived"),
    forge: join(root, "forge"),
    agents: join(root, "agents"),
    private: join(root, "private"),
    shared: join(root, "shared"),
    docs: join(root, "docs"),
    logs: join(root, "logs"),
    record: join(root, "up.json"),
    adminToken: join(root, "forge/admin-token"),
    mail: join(root, "mail.json"),
  };
}

/**
 * Makes what is missing of a home, for its owner alone.
 * @throws Refusal `home_not_writable` or `disk_full`; then nothing was changed that was there before.
 */
export function openHome(root: string): Home {
  const home = homeAt(root);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const { uid } = statSync(root);
    if (uid !== process.getuid?.()) throw notWritable(root, `it belongs to user ${uid}`);
    const { bavail, bsize } = statfsSync(root);
    if (bavail * bsize < reserveBytes) throw diskFull(root);
    for (const place of [home.hived, home.forge, home.agents, home.private, home.shared, home.docs, home.logs])
      mkdirSync(place, { recursive: true, mode: 0o700 });
    writeFileSync(join(root, ".writable"), "", { flush: true });
    rmSync(join(root, ".writable"));
    return homeAt(realpathSync(root));
  } catch (error) {
    throw homeRefusal(root, error as NodeJS.ErrnoException);
  }
}

/** What went wrong with a home as a refusal; a refusal, or a bug, stays what it is. */
export function homeRefusal(root: string, error: NodeJS.ErrnoException): Error {
  if (error instanceof Refusal) return error;
  if (error.code === "ENOSPC" || error.code === "EDQUOT") return diskFull(root);
  if (error.code === undefined) return error;
  return notWritable(root, error.code);
}

const notWritable = (root: string, why: string) =>
  new Refusal(
    "home_not_writable",
    `The hive's home ${root} cannot be written (${why}).`,
    "Choose another with --home or HIVE_HOME, or correct its owner.",
  );

const diskFull = (root: string) =>
  new Refusal("disk_full", `The disk of the hive's home ${root} is full.`, "Free at least 64 MiB, and start again.");

/** A small text file; undefined when it is not there. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The same home has the same number under all of its names. */
export function numberOf(root: string): string {
  return createHash("sha256").update(realOf(root)).digest("hex").slice(0, 12);
}

/** The path without links; the last parts need not exist yet. */
function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code === undefined || parent === path) throw error;
    return join(realOf(parent), basename(path)); // one that cannot be looked at is told by whoever makes it
  }
}

export type Runtime = {
  root: string;
  web: string;
  admin: string;
  runner: string;
  up: string;
  launches: string;
};

export function runtimeAt(root: string): Runtime {
  return {
    root,
    web: join(root, "web/web.sock"),
    admin: join(root, "admin/admin.sock"),
    runner: join(root, "runner/runner.sock"),
    up: join(root, "up/up.sock"),
    launches: join(root, "launches"),
  };
}

/**
 * Makes the runtime directory, empty, one directory per audience: what lay there is of processes that are gone.
 * To be called by the one instance of the home alone.
 * @throws Refusal `runtime_not_ours` when somebody else has made a directory of that name.
 */
export function openRuntime(home: string): Runtime {
  const root = runtimeRoot(home);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const made = lstatSync(root);
  if (!made.isDirectory() || made.uid !== process.getuid?.() || (made.mode & 0o077) !== 0)
    throw new Refusal(
      "runtime_not_ours",
      `${root}, where the hive's sockets belong, is not a directory for you alone.`,
      "Remove it, or set XDG_RUNTIME_DIR to a directory of your own.",
    );
  for (const name of readdirSync(root)) rmSync(join(root, name), { recursive: true });
  const runtime = runtimeAt(root);
  for (const socket of [runtime.web, runtime.admin, runtime.runner, runtime.up])
    mkdirSync(dirname(socket), { mode: 0o700 });
  mkdirSync(runtime.launches, { mode: 0o700 });
  return runtime;
}

function runtimeRoot(home: string): string {
  const number = numberOf(home);
  const base = process.env["XDG_RUNTIME_DIR"];
  const own = base ? join(base, `hive-${number}`) : "";
  if (base && own.length <= longestRuntime && isOurs(base)) return own;
  return `/tmp/hive-${process.getuid?.()}-${number}`;
}

function isOurs(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}
