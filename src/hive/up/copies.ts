/** Copies of the program and of Forgejo for a user who cannot read the originals: hard links where that is possible. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";

const ownParts = ["package.json", "src", "forge", "seeds", "templates", "dist"];

const Lock = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) });

/** Brings the copy of a checkout up to date: our files and the packages that run needs, the project's Node among them. */
export function copyProgram(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  for (const part of ownParts) mirror(join(from, part), join(to, part));
  // The packages are many, and change only with an install.
  const state = join(to, "node_modules/.copied");
  const installed = stampOf(join(from, "node_modules/.package-lock.json"));
  if (existsSync(state) && readFileSync(state, "utf8") === installed) return;
  rmSync(join(to, "node_modules"), { recursive: true, force: true });
  for (const path of runtimePackages(from)) mirror(join(from, path), join(to, path));
  writeFileSync(state, installed);
}

export function copyForgejo(from: string, to: string): void {
  mirror(from, to);
}

/** Directories of the packages that are no development dependencies, without those inside of one another. */
function runtimePackages(program: string): string[] {
  const { packages } = Lock.parse(JSON.parse(readFileSync(join(program, "package-lock.json"), "utf8")));
  return Object.entries(packages)
    .filter(([path, entry]) => path.startsWith("node_modules/") && entry.dev !== true)
    .map(([path]) => path)
    .filter((path) => existsSync(join(program, path)));
}

/** Makes `to` like `from`, a file or a directory; links are left out. */
function mirror(from: string, to: string): void {
  const source = statSync(from, { throwIfNoEntry: false });
  if (!source) return;
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  if (source.isDirectory()) mirrorDirectory(from, to);
  else mirrorFile(from, source, to);
}

function mirrorDirectory(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o755 });
  const entries = readdirSync(from, { withFileTypes: true }).filter((entry) => entry.isFile() || entry.isDirectory());
  const names = new Set(entries.map((entry) => entry.name));
  for (const gone of readdirSync(to).filter((name) => !names.has(name) && name !== "node_modules"))
    rmSync(join(to, gone), { recursive: true });
  for (const entry of entries) mirror(join(from, entry.name), join(to, entry.name));
}

/** Whether a file is a copy of another that everybody can use. */
export function isCopy(from: string, to: string): boolean {
  const source = statSync(from);
  const copy = statSync(to, { throwIfNoEntry: false });
  if (!copy || copy.size !== source.size || !isForAll(copy)) return false;
  return copy.ino === source.ino || copy.mtimeMs === source.mtimeMs;
}

function mirrorFile(from: string, source: Stats, to: string): void {
  if (isCopy(from, to)) return;
  // Put in place by a rename: a hive that runs from here keeps the file that it has open.
  rmSync(`${to}.new`, { force: true });
  if (!isForAll(source) || !tryLink(from, `${to}.new`)) {
    copyFileSync(from, `${to}.new`);
    chmodSync(`${to}.new`, source.mode & 0o100 ? 0o755 : 0o644);
    utimesSync(`${to}.new`, source.atime, source.mtime);
  }
  renameSync(`${to}.new`, to);
}

/** Whether everybody may read a file, and run it if its owner may. */
const isForAll = ({ mode }: Stats) => (mode & 0o004) !== 0 && ((mode & 0o100) === 0 || (mode & 0o001) !== 0);

/** False where a file cannot be linked: another file system, or one without links. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EXDEV" || code === "EPERM" || code === "EMLINK" || code === "ENOTSUP") return false;
    throw error;
  }
}

const stampOf = (path: string) => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.mtimeMs} ${found.size}` : "";
};
