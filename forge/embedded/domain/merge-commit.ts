/** The commit that a merge moves the base branch to, for each style. Only objects are written. */
import { type Forge, repoDir } from "../forge.ts";
import { isAncestor } from "../git/history.ts";
import { readCommit } from "../git/objects.ts";
import { mergeCommits, replayCommits, writeCommit } from "../git/write.ts";
import type { PullRequest } from "./pulls.ts";
import { Refusal } from "./refusal.ts";
import type { Repo, RepoSettings } from "./repos.ts";
import { requireUser, signatureOf, type User } from "./users.ts";

type MergeStyle = "merge" | "rebase" | "rebase-merge" | "squash" | "fast-forward-only";

const SWITCHES: Record<MergeStyle, keyof RepoSettings> = {
  merge: "allow_merge_commits",
  rebase: "allow_rebase",
  "rebase-merge": "allow_rebase_explicit",
  squash: "allow_squash_merge",
  "fast-forward-only": "allow_fast_forward_only_merge",
};
const STYLES = Object.keys(SWITCHES) as MergeStyle[];

/** @throws Refusal 422 unknown; 405 switched off, as `manually-merged` always is: it would skip every check */
export function mergeStyle(repo: Repo, wanted: string): MergeStyle {
  const name = wanted || repo.settings.default_merge_style;
  const style = STYLES.find((known) => known === name);
  if (style && repo.settings[SWITCHES[style]]) return style;
  if (!style && name !== "manually-merged") throw new Refusal(422, "[Do]: In");
  throw new Refusal(405, `${name} is not allowed an allowed merge style for this repository`);
}

export interface MergeText {
  title: string;
  message: string;
}

/** @throws Refusal 409 conflict, or no fast forward where one is wanted */
export async function buildMerge(
  forge: Forge,
  repo: Repo,
  actor: User,
  request: PullRequest,
  wish: { style: MergeStyle } & MergeText,
): Promise<string> {
  const { pull } = request;
  switch (wish.style) {
    case "merge":
      return commitMerge(forge, repo, actor, request, pull.head_sha, wish);
    case "rebase-merge":
      return commitMerge(forge, repo, actor, request, await rebased(forge, repo, actor, request), wish);
    case "rebase":
      return rebased(forge, repo, actor, request);
    case "squash":
      return squashed(forge, repo, actor, request, wish);
    case "fast-forward-only":
      if (await isAncestor(forge.git, repoDir(forge, repo), pull.base_sha, pull.head_sha)) return pull.head_sha;
      throw new Refusal(409, "Merge DivergingFastForwardOnly Error: the head branch is not ahead of the base branch");
  }
}

const conflict = (): Refusal =>
  new Refusal(409, "Merge Conflict Error: the branches cannot be merged without conflict");

async function commitMerge(
  forge: Forge,
  repo: Repo,
  actor: User,
  { issue, pull }: PullRequest,
  head: string,
  text: MergeText,
): Promise<string> {
  const dir = repoDir(forge, repo);
  const merged = await mergeCommits(forge.git, dir, pull.base_sha, head);
  if (merged.kind === "conflict") throw conflict();
  const title = `Merge pull request '${issue.title}' (#${issue.number}) from ${pull.head_branch} into ${pull.base_branch}`;
  const who = signatureOf(actor, forge.now());
  return writeCommit(dir, {
    tree: merged.tree,
    parents: [pull.base_sha, head],
    message: fullText(text, title),
    author: who,
    committer: who,
  });
}

async function rebased(forge: Forge, repo: Repo, actor: User, { pull }: PullRequest): Promise<string> {
  const committer = signatureOf(actor, forge.now());
  const range = { base: pull.merge_base, head: pull.head_sha, onto: pull.base_sha, committer };
  const head = await replayCommits(forge.git, repoDir(forge, repo), range);
  if (head === undefined) throw conflict();
  return head;
}

/** One commit by the pull request's author. */
async function squashed(
  forge: Forge,
  repo: Repo,
  actor: User,
  { issue, pull }: PullRequest,
  text: MergeText,
): Promise<string> {
  const dir = repoDir(forge, repo);
  const merged = await mergeCommits(forge.git, dir, pull.base_sha, pull.head_sha);
  if (merged.kind === "conflict") throw conflict();
  const { author } = await readCommit(forge.git, dir, pull.head_sha);
  const poster = requireUser(forge.db, issue.author_id);
  return writeCommit(dir, {
    tree: merged.tree,
    parents: [pull.base_sha],
    message: fullText(text, `${issue.title} (#${issue.number})`),
    author: { ...signatureOf(poster, forge.now()), at: author.at },
    committer: signatureOf(actor, forge.now()),
  });
}

/** The title is ours unless the caller has one. */
function fullText(text: MergeText, ownTitle: string): string {
  const title = text.title.trim() || ownTitle;
  const message = text.message.trim();
  return message === "" ? `${title}\n` : `${title}\n\n${message}\n`;
}
