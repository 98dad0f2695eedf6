/** Files, folders and the commits that changed them, as the API answers them. */
import { isObjectId } from "../domain/names.ts";
import type { Repo } from "../domain/repos.ts";
import type { Forge } from "../forge.ts";
import type { Commit, TreeEntry } from "../git/objects.ts";
import { commitApiUrl, commitUrl, signatureJson, UNVERIFIED } from "./commit.ts";
import { repoApiUrl, repoUrl } from "./repo.ts";
import { NEVER } from "./time.ts";

export interface Content {
  /** Branch, tag or commit, as the caller named it. */
  ref: string;
  entry: TreeEntry;
  /** Of a file or a link; folders and the entries of folders are told without. */
  bytes?: Buffer;
  /** The newest commit that changed it. */
  lastCommit: string;
}

export function contentJson(forge: Forge, repo: Repo, { ref, entry, bytes, lastCommit }: Content) {
  const type = typeOf(entry);
  const path = entry.path.split("/").map(encodeURIComponent).join("/");
  const place = `${isObjectId(ref) ? "commit" : "branch"}/${ref}/${path}`;
  const self = `${repoApiUrl(forge, repo)}/contents/${path}?ref=${encodeURIComponent(ref)}`;
  const html = `${repoUrl(forge, repo)}/src/${place}`;
  const git = `${repoApiUrl(forge, repo)}/git/${entry.type === "tree" ? "trees" : "blobs"}/${entry.sha}`;
  const isFile = type === "file" && bytes !== undefined;
  return {
    name: entry.path.slice(entry.path.lastIndexOf("/") + 1),
    path: entry.path,
    sha: entry.sha,
    last_commit_sha: lastCommit,
    type,
    size: entry.size,
    encoding: isFile ? "base64" : null,
    content: isFile ? bytes.toString("base64") : null,
    target: type === "symlink" && bytes !== undefined ? bytes.toString("utf8") : null,
    url: self,
    html_url: html,
    git_url: git,
    download_url: type === "file" ? `${repoUrl(forge, repo)}/raw/${place}` : null,
    submodule_git_url: null,
    _links: { self, git, html },
  };
}

function typeOf(entry: TreeEntry): "file" | "dir" | "symlink" | "submodule" {
  if (entry.type === "tree") return "dir";
  if (entry.type === "commit") return "submodule";
  return entry.mode === "120000" ? "symlink" : "file";
}

/** The commit beside changed files. Forgejo leaves the moments of its objects empty here. */
function fileCommitJson(forge: Forge, repo: Repo, commit: Commit) {
  const meta = (sha: string, kind: "commits" | "trees") => ({
    url: `${repoApiUrl(forge, repo)}/git/${kind}/${sha}`,
    sha,
    created: NEVER,
  });
  return {
    url: commitApiUrl(forge, repo, commit.sha),
    sha: commit.sha,
    created: NEVER,
    html_url: commitUrl(forge, repo, commit.sha),
    author: signatureJson(commit.author),
    committer: signatureJson(commit.committer),
    parents: commit.parents.map((parent) => meta(parent, "commits")),
    message: commit.message,
    tree: meta(commit.tree, "trees"),
  };
}

export const filesJson = (forge: Forge, repo: Repo, commit: Commit, contents: (Content | null)[]) => ({
  files: contents.map((content) => content && contentJson(forge, repo, content)),
  commit: fileCommitJson(forge, repo, commit),
  verification: UNVERIFIED,
});
