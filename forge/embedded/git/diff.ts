/** What changed between two commits or trees. Renames are found; no program or filter of a repository is ever run. */
import type { Git } from "./run.ts";

export interface FileChange {
  status: "added" | "changed" | "deleted" | "renamed" | "copied" | "type-changed";
  path: string;
  /** Where it was; the same as `path` unless renamed or copied. */
  oldPath: string;
  /** Blob ids, NO_COMMIT where the file is not there. */
  oldSha: string;
  sha: string;
  mode: string;
  additions: number;
  deletions: number;
  isBinary: boolean;
}

const SAFE = ["--no-color", "--no-ext-diff", "--no-textconv", "--find-renames"];
const STATUS = new Map<string, FileChange["status"]>([
  ["A", "added"],
  ["M", "changed"],
  ["D", "deleted"],
  ["R", "renamed"],
  ["C", "copied"],
  ["T", "type-changed"],
]);

/**
 * Patch text. @param path only this file
 * @param maxBytes the text is cut there, perhaps within a line
 */
export async function diffText(
  git: Git,
  dir: string,
  from: string,
  to: string,
  options: { path?: string; maxBytes?: number; withBinary?: boolean } = {},
): Promise<string> {
  const { path, maxBytes, withBinary } = options;
  const args = ["diff", ...SAFE, "--full-index", ...(withBinary ? ["--binary"] : []), from, to, "--"];
  const limit = maxBytes === undefined ? {} : { maxBytes };
  return (await git.bytes(dir, path === undefined ? args : [...args, `:(literal)${path}`], limit)).toString("utf8");
}

/** The commits after `from` up to `to` as mails. */
export const patchText = (git: Git, dir: string, from: string, to: string): Promise<string> =>
  git.text(dir, ["format-patch", "--stdout", "--no-ext-diff", "--no-textconv", "--end-of-options", `${from}..${to}`]);

export async function changedFiles(git: Git, dir: string, from: string, to: string, env = {}): Promise<FileChange[]> {
  const text = await git.text(dir, ["diff", ...SAFE, "--raw", "--no-abbrev", "--numstat", "-z", from, to, "--"], {
    env,
  });
  return parsed(text.split("\0"));
}

export const totalsOf = (files: readonly FileChange[]) => ({
  additions: files.reduce((sum, file) => sum + file.additions, 0),
  deletions: files.reduce((sum, file) => sum + file.deletions, 0),
  changed_files: files.length,
});

/** First all files with `:modes ids status`, then all again with their counts; a renamed file takes two fields more. */
function parsed(fields: string[]): FileChange[] {
  const files: FileChange[] = [];
  let at = 0;
  const next = () => fields[at++] ?? "";
  while (fields[at]?.startsWith(":")) {
    const [, mode = "", oldSha = "", sha = "", letters = ""] = next().split(" ");
    const status = STATUS.get(letters.charAt(0)) ?? "changed";
    const oldPath = next();
    const path = status === "renamed" || status === "copied" ? next() : oldPath;
    files.push({ status, path, oldPath, oldSha, sha, mode, additions: 0, deletions: 0, isBinary: false });
  }
  for (const file of files) {
    const [additions = "", deletions = "", path] = next().split("\t");
    if (path === "") at += 2;
    if (additions === "-") file.isBinary = true;
    else Object.assign(file, { additions: Number(additions), deletions: Number(deletions) });
  }
  return files;
}

/**
 * Do two heads propose the same change, each seen from its own merge base? Compared by names, modes and ids of the files
 * before and after, so a rebase over changes elsewhere is the same, and anything that a reviewer has not seen is not.
 */
export async function isSameChange(git: Git, dir: string, one: Span, other: Span, env = {}): Promise<boolean> {
  const list = (span: Span) => git.text(dir, ["diff-tree", "-r", "-z", "--no-renames", span.base, span.head], { env });
  const [first, second] = await Promise.all([list(one), list(other)]);
  return first === second;
}
interface Span {
  base: string;
  head: string;
}
