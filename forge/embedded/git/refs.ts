/** Branches, tags and the heads of pull requests. A ref is moved only from where its mover has seen it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { isObjectId } from "../domain/names.ts";
import { NO_COMMIT } from "./objects.ts";
import { type Git, GitFault } from "./run.ts";

export interface Ref {
  /** Whole name: refs/heads/main. */
  ref: string;
  /** Id of what it points to: a commit, but of a tag perhaps a tag object. */
  object: string;
}
export interface RefMove {
  ref: string;
  /** NO_COMMIT: it must not exist yet. */
  before: string;
  /** NO_COMMIT: it is deleted. */
  after: string;
}

/**
 * In the order of their names, read from git's own files: a process for it is as dear as a push. First the single ones,
 * then those that are packed, as git does, so that none is missed while it is being packed.
 * @param prefixes `refs/heads`, `refs/tags`, `refs/pull` or whole names
 */
export function listRefs(dir: string, ...prefixes: string[]): Ref[] {
  const loose = prefixes.flatMap((prefix) => looseRefs(dir, prefix));
  const packed = packedRefs(dir).filter(({ ref }) =>
    prefixes.some((prefix) => ref === prefix || ref.startsWith(`${prefix}/`)),
  );
  const found = new Map([...packed, ...loose].map((one) => [one.ref, one]));
  return [...found.values()].sort((one, other) => (one.ref < other.ref ? -1 : 1));
}

function looseRefs(dir: string, name: string): Ref[] {
  const file = path.join(dir, name);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat?.isDirectory())
    return (ifThere(() => readdirSync(file)) ?? []).flatMap((entry) => looseRefs(dir, `${name}/${entry}`));
  const object = stat && ifThere(() => readFileSync(file, "latin1"))?.slice(0, 40);
  return object !== undefined && isObjectId(object) && !name.endsWith(".lock") ? [{ ref: name, object }] : [];
}

const packedRefs = (dir: string): Ref[] =>
  (ifThere(() => readFileSync(path.join(dir, "packed-refs"), "utf8")) ?? "").split("\n").flatMap((line) => {
    const [, object, ref] = /^([0-9a-f]{40}) (.+)$/.exec(line) ?? [];
    return object && ref ? [{ object, ref }] : [];
  });

/** Git may take a file away at any time, to pack or to delete its ref. */
function ifThere<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The id that a ref points to; undefined when there is no such ref. @param ref whole name that `isRef` accepts */
export const readRef = async (git: Git, dir: string, ref: string): Promise<string | undefined> =>
  (await git.objects.info(dir, ref))?.sha;

/** Moves all of them or none. False when one of them is not where `before` says, or another process holds it. */
export async function moveRefs(git: Git, dir: string, moves: readonly RefMove[]): Promise<boolean> {
  const orders = moves.map(({ ref, before, after }) =>
    after === NO_COMMIT ? `delete ${ref}\0${before}\0` : `update ${ref}\0${after}\0${before}\0`,
  );
  const args = ["update-ref", "-z", "--stdin"];
  const result = await git.try(dir, args, { input: `start\0${orders.join("")}prepare\0commit\0` });
  if (result.code === 0) return true;
  if (/cannot lock ref|reference already exists|already exists; cannot create/.test(result.err)) return false;
  throw new GitFault(args, result);
}

/** The branch that a clone checks out. */
export async function setHead(git: Git, dir: string, branch: string): Promise<void> {
  await git.bytes(dir, ["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
}
