/** Branches, tags and the heads of pull requests. A ref is moved only from where its mover has seen it. */
import { NO_COMMIT } from "./objects.ts";
import { type Git, GitFault } from "./run.ts";

export interface Ref {
  /** Whole name: refs/heads/main. */
  ref: string;
  /** What it points to: a commit, or an annotated tag. */
  object: string;
  type: string;
  /** The commit itself. */
  commit: string;
  /** Of the annotated tag, or else of the commit. */
  message: string;
}
export interface RefMove {
  ref: string;
  /** NO_COMMIT: it must not exist yet. */
  before: string;
  /** NO_COMMIT: it is deleted. */
  after: string;
}

const FORMAT = "--format=%(refname)%00%(objectname)%00%(objecttype)%00%(*objectname)%00%(contents)%00";
const FIELDS = 5;

/** In the order of their names. @param prefixes `refs/heads`, `refs/tags`, `refs/pull` or whole names */
export async function listRefs(git: Git, dir: string, ...prefixes: string[]): Promise<Ref[]> {
  const fields = (await git.text(dir, ["for-each-ref", FORMAT, ...prefixes])).split("\0");
  const refs: Ref[] = [];
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS) {
    const [ref = "", object = "", type = "", peeled = "", message = ""] = fields.slice(at, at + FIELDS);
    refs.push({ ref: ref.trimStart(), object, type, commit: peeled === "" ? object : peeled, message });
  }
  return refs;
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
