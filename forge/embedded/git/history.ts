/**
 * How commits follow each other. A short straight line of them, as most pushes and proposals are, is walked here by reading
 * the commits; what branches or is long is asked of git, whose every answer is a process.
 */
import { type Commit, entryAt, findCommit, readCommit } from "./objects.ts";
import type { Git } from "./run.ts";

const FORMAT = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";
const FIELDS = 10;
/** Commits that are read one by one, about a tenth of a millisecond each, before a process is cheaper. */
const MAX_LINE = 20;

export interface CommitRange {
  /** Object ids: commits reachable from `from` but from none of `not`. */
  from: string;
  not?: string[] | undefined;
  /** Only commits that changed this file or folder. */
  path?: string | undefined;
  skip?: number | undefined;
  limit?: number | undefined;
  /** Oldest first. */
  isReversed?: boolean | undefined;
  withoutMerges?: boolean | undefined;
}

/** Newest first, parents after their children. */
export async function listCommits(git: Git, dir: string, range: CommitRange, env = {}): Promise<Commit[]> {
  const { skip = 0, limit, isReversed } = range;
  const line = await straightLine(git, dir, range, env);
  if (line) {
    const wanted = line.slice(skip, limit === undefined ? undefined : skip + limit);
    return isReversed ? wanted.reverse() : wanted;
  }
  const counts = [`--skip=${skip}`, ...(limit === undefined ? [] : [`--max-count=${limit}`])];
  const text = await git.text(dir, ["log", "-z", "--topo-order", FORMAT, ...counts, ...selected(range)], { env });
  const fields = text.split("\0");
  const commits: Commit[] = [];
  for (let at = 0; at + FIELDS <= fields.length; at += FIELDS)
    commits.push(parsedCommit(fields.slice(at, at + FIELDS)));
  return commits;
}

export async function countCommits(git: Git, dir: string, range: CommitRange, env = {}): Promise<number> {
  const line = await straightLine(git, dir, { ...range, limit: undefined }, env);
  if (line) return line.length;
  return Number(await git.text(dir, ["rev-list", "--count", ...selected(range)], { env }));
}

function selected(range: CommitRange): string[] {
  const flags = [...(range.isReversed ? ["--reverse"] : []), ...(range.withoutMerges ? ["--no-merges"] : [])];
  const revisions = [range.from, ...(range.not ?? []).map((sha) => `^${sha}`)];
  const paths = range.path === undefined || range.path === "" ? [] : [`:(literal)${range.path}`];
  return [...flags, "--end-of-options", ...revisions, "--", ...paths];
}

function parsedCommit(fields: string[]): Commit {
  const [sha = "", tree = "", parents = "", ...rest] = fields;
  const [authorName = "", authorEmail = "", authorAt = "", name = "", email = "", at = "", message = ""] = rest;
  return {
    sha,
    tree,
    parents: parents === "" ? [] : parents.split(" "),
    author: { name: authorName, email: authorEmail, at: Number(authorAt) * 1000 },
    committer: { name, email, at: Number(at) * 1000 },
    message,
  };
}

/** The range's commits (as many as it wants, when nothing is excluded); undefined when they are no short straight line. */
async function straightLine(git: Git, dir: string, range: CommitRange, env = {}): Promise<Commit[] | undefined> {
  const { from, not = [], path = "", skip = 0, limit = Number.POSITIVE_INFINITY } = range;
  const [end] = not;
  if (path !== "" || not.length > 1) return undefined;
  const commits: Commit[] = [];
  for (let at: string | undefined = from; at !== end; ) {
    if (end === undefined && commits.length >= skip + limit) break;
    if (at === undefined || commits.length >= MAX_LINE) return undefined;
    const commit: Commit | undefined = await findCommit(git, dir, at, env); // none: `from` is a tag
    if (!commit || commit.parents.length > 1) return undefined;
    commits.push(commit);
    [at] = commit.parents;
  }
  return commits;
}

/** The newest commit up to `from` that changed the file or folder at a path, which must be there. */
export async function lastChangeOf(git: Git, dir: string, from: string, path: string): Promise<string> {
  let at = await readCommit(git, dir, from);
  const present = await entryAt(git, dir, from, path);
  for (let step = 0; step < MAX_LINE && at.parents.length <= 1; step += 1) {
    const [parent] = at.parents;
    const before = parent === undefined ? undefined : await entryAt(git, dir, parent, path);
    if (parent === undefined || before?.sha !== present?.sha || before?.mode !== present?.mode) return at.sha;
    at = await readCommit(git, dir, parent);
  }
  const [newest] = await listCommits(git, dir, { from: at.sha, path, limit: 1 });
  return newest?.sha ?? from;
}

/** The newest common ancestor; undefined for unrelated histories. */
export async function mergeBase(
  git: Git,
  dir: string,
  one: string,
  other: string,
  env = {},
): Promise<string | undefined> {
  const near = await nearMergeBase(git, dir, one, other, env);
  if (near !== undefined) return near;
  const result = await git.try(dir, ["merge-base", "--end-of-options", one, other], { env });
  return result.code === 0 ? result.out.toString("utf8").split("\n")[0] : undefined;
}

/** Is everything of `ancestor` also in `descendant`? True for the same commit. */
export async function isAncestor(git: Git, dir: string, ancestor: string, descendant: string, env = {}) {
  const near = await nearMergeBase(git, dir, ancestor, descendant, env);
  if (near !== undefined) return near === ancestor;
  const result = await git.try(dir, ["merge-base", "--is-ancestor", ancestor, descendant], { env });
  return result.code === 0;
}

/**
 * The merge base of two commits whose lines meet after a few steps without a merge; undefined when git must be asked.
 * Both lines are straight as far as they are walked, so where they first meet is the only best common ancestor.
 */
export async function nearMergeBase(
  git: Git,
  dir: string,
  one: string,
  other: string,
  env = {},
): Promise<string | undefined> {
  const walks = [one, other].map((start) => ({ seen: new Set<string>(), at: start as string | undefined }));
  for (let step = 0; step < MAX_LINE; step += 1) {
    for (const walk of walks) {
      const { at } = walk;
      if (at === undefined) continue;
      walk.seen.add(at);
      if (walks.every(({ seen }) => seen.has(at))) return at;
      const { parents = [] } = (await findCommit(git, dir, at, env)) ?? {};
      walk.at = parents.length === 1 ? parents[0] : undefined;
    }
  }
  return undefined;
}
