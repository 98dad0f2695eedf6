/** The commits that a push brought, as its webhook tells them. */
import type { PushedCommit } from "../domain/events.ts";
import { type CommitRange, countCommits, listCommits } from "./history.ts";
import { NO_COMMIT } from "./objects.ts";
import type { Git } from "./run.ts";

const MOST = 15;

/** @param before NO_COMMIT for a new ref, whose commits are then told from the newest on */
export async function pushedCommits(
  git: Git,
  dir: string,
  before: string,
  after: string,
): Promise<{ commits: PushedCommit[]; totalCommits: number }> {
  if (after === NO_COMMIT) return { commits: [], totalCommits: 0 };
  const range: CommitRange = { from: after, not: before === NO_COMMIT ? [] : [before] };
  const commits = await listCommits(git, dir, { ...range, limit: MOST });
  const totalCommits = commits.length < MOST ? commits.length : await countCommits(git, dir, range);
  const files = await changedPaths(
    git,
    dir,
    commits.map((commit) => commit.sha),
  );
  return {
    totalCommits,
    commits: commits.map((commit) => ({
      sha: commit.sha,
      message: commit.message,
      author: commit.author,
      committer: commit.committer,
      committedAt: commit.committer.at,
      ...(files.get(commit.sha) ?? { added: [], removed: [], modified: [] }),
    })),
  };
}

type Paths = Pick<PushedCommit, "added" | "removed" | "modified">;

/** By commit. diff-tree prints a commit's id, then a status and a path for each of its files; merges have none. */
async function changedPaths(git: Git, dir: string, commits: string[]): Promise<Map<string, Paths>> {
  const input = commits.map((sha) => `${sha}\n`).join("");
  const text = await git.text(dir, ["diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "--name-status"], {
    input,
  });
  const found = new Map<string, Paths>();
  const fields = text.split("\0");
  let paths: Paths = { added: [], removed: [], modified: [] };
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? "";
    if (/^[0-9a-f]{40}$/.test(field)) {
      paths = { added: [], removed: [], modified: [] };
      found.set(field, paths);
    } else if (/^[A-Z]$/.test(field)) {
      at += 1;
      paths[field === "A" ? "added" : field === "D" ? "removed" : "modified"].push(fields[at] ?? "");
    }
  }
  return found;
}
