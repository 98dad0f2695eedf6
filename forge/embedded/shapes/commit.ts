/** Commits, branches and tags as the API answers them. */
import { isAtLeast } from "../domain/access-level.ts";
import { mayMerge, mayPush } from "../domain/branch-rights.ts";
import type { Branch } from "../domain/branches.ts";
import { accessOf } from "../domain/permissions.ts";
import { ruleFor } from "../domain/protection.ts";
import type { Repo } from "../domain/repos.ts";
import type { Tag } from "../domain/tags.ts";
import { type User, userByEmail } from "../domain/users.ts";
import { type Forge, repoDir } from "../forge.ts";
import { changedFiles, totalsOf } from "../git/diff.ts";
import { type Commit, EMPTY_TREE, type Signature } from "../git/objects.ts";
import { repoApiUrl, repoUrl } from "./repo.ts";
import { isoTime } from "./time.ts";
import { userJson } from "./user.ts";

/** The forge checks no signatures. */
export const UNVERIFIED = {
  verified: false,
  reason: "gpg.error.not_signed_commit",
  signature: "",
  signer: null,
  payload: "",
};

export const commitUrl = (forge: Forge, repo: Repo, sha: string): string => `${repoUrl(forge, repo)}/commit/${sha}`;
export const commitApiUrl = (forge: Forge, repo: Repo, sha: string): string =>
  `${repoApiUrl(forge, repo)}/git/commits/${sha}`;

const commitMetaJson = (forge: Forge, repo: Repo, sha: string, createdAt: number) => ({
  url: commitApiUrl(forge, repo, sha),
  sha,
  created: isoTime(createdAt),
});

export const signatureJson = ({ name, email, at }: Signature) => ({ name, email, date: isoTime(at) });

/** A commit without its files. The users are those whose addresses stand in it. */
function commitJson(forge: Forge, repo: Repo, commit: Commit, viewer: User) {
  const { sha, author, committer, message, tree, parents } = commit;
  const knownUser = ({ email }: Signature) => {
    const user = userByEmail(forge.db, email);
    return user ? userJson(forge, user, viewer) : null;
  };
  return {
    ...commitMetaJson(forge, repo, sha, committer.at),
    html_url: commitUrl(forge, repo, sha),
    commit: {
      url: commitApiUrl(forge, repo, sha),
      author: signatureJson(author),
      committer: signatureJson(committer),
      message,
      tree: { url: `${repoApiUrl(forge, repo)}/git/trees/${tree}`, sha: tree, created: isoTime(committer.at) },
      verification: UNVERIFIED,
    },
    author: knownUser(author),
    committer: knownUser(committer),
    parents: parents.map((parent) => commitMetaJson(forge, repo, parent, committer.at)),
  };
}

/** With the files that it changed against its first parent. */
export async function wholeCommitJson(forge: Forge, repo: Repo, commit: Commit, viewer: User) {
  const parent = commit.parents[0] ?? EMPTY_TREE;
  const files = await changedFiles(forge.git, repoDir(forge, repo), parent, commit.sha);
  const { additions, deletions } = totalsOf(files);
  return {
    ...commitJson(forge, repo, commit, viewer),
    files: files.map(({ path, status }) => ({ filename: path, status: affected(status) })),
    stats: { total: additions + deletions, additions, deletions },
  };
}

const affected = (status: string): string =>
  status === "added" || status === "copied" ? "added" : status === "deleted" ? "removed" : "modified";

export function branchJson(forge: Forge, repo: Repo, branch: Branch, viewer: User) {
  const { commit, name } = branch;
  const rule = ruleFor(forge.db, repo, name);
  const mayWrite = isAtLeast(accessOf(forge.db, viewer, repo).code, "write");
  const person = ({ name: full, email }: Signature) => ({
    name: full,
    email,
    username: userByEmail(forge.db, email)?.name ?? "",
  });
  return {
    name,
    commit: {
      id: commit.sha,
      message: commit.message,
      url: commitUrl(forge, repo, commit.sha),
      author: person(commit.author),
      committer: person(commit.committer),
      verification: UNVERIFIED,
      timestamp: isoTime(commit.committer.at),
      added: null,
      removed: null,
      modified: null,
    },
    protected: rule !== undefined,
    required_approvals: rule?.required_approvals ?? 0,
    enable_status_check: rule?.enable_status_check ?? false,
    status_check_contexts: rule?.status_check_contexts ?? [],
    user_can_push: rule ? mayPush(forge.db, rule, viewer, repo) : mayWrite,
    user_can_merge: rule ? mayMerge(forge.db, rule, viewer, repo) : mayWrite,
    effective_branch_protection_name: rule?.rule_name ?? "",
  };
}

export const tagJson = (forge: Forge, repo: Repo, tag: Tag, createdAt: number) => ({
  name: tag.name,
  message: tag.message.replace(/\n$/, ""),
  id: tag.id,
  commit: commitMetaJson(forge, repo, tag.commit, createdAt),
  zipball_url: `${repoUrl(forge, repo)}/archive/${tag.name}.zip`,
  tarball_url: `${repoUrl(forge, repo)}/archive/${tag.name}.tar.gz`,
});
