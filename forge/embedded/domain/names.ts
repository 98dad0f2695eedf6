/**
 * What may be called how. Every name that later becomes part of a path or an argument of git passes one of these checks
 * first: but for a ref's they admit no leading `-` or `.` and no slash; none admits a control character.
 */
import { Refusal } from "./refusal.ts";

const USER_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9]|[-_.](?![-_.]|$)){0,39}$/;
const REPO_NAME = /^(?!\.{1,2}$|-)[a-zA-Z0-9_.-]{1,100}$/;
const OBJECT_ID = /^[0-9a-f]{40}$/;
/** As git check-ref-format. A part may begin with `-`: a ref is an argument of git by its whole name alone. */
const REF = /^refs(?:\/(?!\.)(?:(?!\.\.|@\{)[^\x00-\x20\x7f~^:?*[\\/\ufffd])+(?<!\.lock|\.))+$/;

const RESERVED_USERS = new Set(
  (
    "admin api assets attachments avatar avatars captcha commits debug devtest error explore favicon.ico ghost issues " +
    "login manifest.json metrics milestones new notifications org orgs pulls raw repo repo-avatars robots.txt search " +
    "serviceworker.js ssh_info swagger.v1.json user v2 gitea-actions forgejo-actions static sign-in sign-out"
  ).split(" "),
);
const RESERVED_USER_ENDINGS = [".keys", ".gpg", ".rss", ".atom", ".png"];
const RESERVED_REPO_ENDINGS = [".git", ".wiki", ".rss", ".atom", ".lock"];

/** @throws Refusal 422 */
export function checkUserName(name: string): void {
  if (!USER_NAME.test(name)) {
    throw new Refusal(
      422,
      `name is invalid [${printable(name)}]: must be valid alpha or numeric or dash(-_) or dot characters`,
    );
  }
  const lower = name.toLowerCase();
  if (RESERVED_USERS.has(lower)) throw new Refusal(422, `name is reserved [name: ${name}]`);
  const ending = RESERVED_USER_ENDINGS.find((end) => lower.endsWith(end));
  if (ending) throw new Refusal(422, `name pattern is not allowed [pattern: *${ending}]`);
}

/** @throws Refusal 422 */
export function checkRepoName(name: string): void {
  if (!REPO_NAME.test(name)) throw new Refusal(422, `name is invalid [${printable(name)}]`);
  const ending = RESERVED_REPO_ENDINGS.find((end) => name.toLowerCase().endsWith(end));
  if (ending) throw new Refusal(422, `name pattern is not allowed [pattern: *${ending}]`);
}

export const isObjectId = (text: string): boolean => OBJECT_ID.test(text);
export const isRef = (ref: string): boolean => ref.length <= 512 && REF.test(ref);
export const isBranchName = (name: string): boolean => isRef(`refs/heads/${name}`) && name !== "HEAD";

/** @throws Refusal 422 */
export function checkBranchName(name: string): void {
  if (!isBranchName(name)) throw new Refusal(422, `branch name is invalid [name: ${printable(name)}]`);
}

/** @throws Refusal 422 for what git could not hold or what would leave the tree: `..`, `.git`, empty parts. */
export function checkFilePath(path: string): void {
  const parts = path.split("/");
  const isBad = (part: string) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git";
  if (path.length > 4096 || /[\x00-\x1f\x7f\\]/.test(path) || parts.some(isBad)) {
    throw new Refusal(422, `path contains a malformed path component [path: ${printable(path)}]`);
  }
}

/** Text fit for a terminal, a log or an error: one line, no control characters. */
export function printable(text: string, limit = 500): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, " ").slice(0, limit);
}
