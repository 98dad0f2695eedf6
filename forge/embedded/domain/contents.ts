/** Files of a repository, read and written without a clone. Whoever writes is under the branch's rule as if it pushed. */
import { type Forge, repoDir } from "../forge.ts";
import { type Commit, entryAt, NO_COMMIT, readCommit, resolveCommit, type TreeEntry } from "../git/objects.ts";
import { moveRefs } from "../git/refs.ts";
import { editTree, PLAIN_FILE, type TreeEdit, writeBlob, writeCommit } from "../git/write.ts";
import { branchTip } from "./branches.ts";
import { followRefs } from "./follow-refs.ts";
import { checkBranchName, checkFilePath, printable } from "./names.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { objectionToMove } from "./push-rules.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { signatureOf, type User } from "./users.ts";

export interface FileOperation {
  operation: "create" | "update" | "delete";
  path: string;
  content?: Buffer | undefined;
  /** Blob id of the file as the caller has seen it: for update and delete. */
  sha?: string | undefined;
  /** The file is moved from there. */
  from_path?: string | undefined;
}
export interface FilesWish {
  /** The default branch when it is not said. */
  branch?: string | undefined;
  /** Made for this commit, from `branch`. */
  new_branch?: string | undefined;
  message?: string | undefined;
  author?: Person | undefined;
  committer?: Person | undefined;
  signoff?: boolean | undefined;
  files: readonly FileOperation[];
}
interface Person {
  name?: string | undefined;
  email?: string | undefined;
  /** Milliseconds since 1970. */
  at?: number | undefined;
}
export interface FilesChanged {
  commit: Commit;
  /** Where the commit is. */
  branch: string;
  /** One per operation; null for a deleted file. */
  files: ({ entry: TreeEntry; bytes: Buffer } | null)[];
}

/**
 * The commit that `ref` means (branch, tag or commit; the default branch when it is not said) and what is at `path` in it.
 * @throws Refusal 404
 */
export async function readPath(
  forge: Forge,
  repo: Repo,
  ref: string | undefined,
  path: string,
): Promise<{ commit: string; entry: TreeEntry }> {
  const dir = repoDir(forge, repo);
  const commit = await resolveCommit(forge.git, dir, ref || repo.default_branch);
  if (commit === undefined) throw notFound();
  if (path !== "") checkReadPath(path);
  const entry = await entryAt(forge.git, dir, commit, path);
  if (!entry) throw notFound(`object does not exist [id: , rel_path: ${printable(path, 200)}]`);
  return { commit, entry };
}

function checkReadPath(path: string): void {
  try {
    checkFilePath(path);
  } catch (error) {
    throw error instanceof Refusal ? notFound() : error;
  }
}

/**
 * Creates, updates and deletes files in one commit.
 * @throws Refusal 403 no right to write or the rule forbids it, 404 no such branch or file, 409 the branch has moved
 *   meanwhile, 422 file or branch exists, wrong or missing sha, bad path, 423 archived
 */
export function changeFiles(forge: Forge, actor: User, repo: Repo, wish: FilesWish): Promise<FilesChanged> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  const branch = wish.branch || repo.default_branch;
  const target = wish.new_branch || branch;
  checkBranchName(target);
  checkOperations(wish.files);
  return forge.locks.run(repo.id, async () => {
    const tip = await branchTip(forge, repo, branch);
    if (tip === undefined && !repo.is_empty) throw notFound(`branch does not exist [name: ${printable(branch, 100)}]`);
    if (target !== branch && (await branchTip(forge, repo, target)) !== undefined) {
      throw new Refusal(422, `branch already exists [name: ${target}]`);
    }
    const { commit, edits } = await commitFiles(forge, actor, repo, tip, wish);
    const before = target === branch ? (tip ?? NO_COMMIT) : NO_COMMIT;
    const objection = await objectionToMove(forge, repo, actor, { branch: target, before, after: commit });
    if (objection !== undefined) throw new Refusal(403, `user cannot commit to repo [user: ${actor.name}]`);
    const move = { ref: `refs/heads/${target}`, before, after: commit };
    if (!(await moveRefs(forge.git, repoDir(forge, repo), [move]))) throw new Refusal(409, "the branch has moved");
    await followRefs(forge, repo, actor, [move]);
    const files = wish.files.map((file) => writtenFile(file, edits));
    return { commit: await readCommit(forge.git, repoDir(forge, repo), commit), branch: target, files };
  });
}

function checkOperations(files: readonly FileOperation[]): void {
  if (files.length === 0) throw new Refusal(422, "[Files]: Required");
  for (const file of files) {
    checkFilePath(file.path);
    if (file.from_path) checkFilePath(file.from_path);
  }
  const written = files.map((file) => file.path);
  const clash = written.find((one, at) =>
    written.some((other, place) => place !== at && `${other}/`.startsWith(`${one}/`)),
  );
  if (clash !== undefined) throw new Refusal(422, `path is named twice [path: ${printable(clash, 200)}]`);
}

async function commitFiles(
  forge: Forge,
  actor: User,
  repo: Repo,
  tip: string | undefined,
  wish: FilesWish,
): Promise<{ commit: string; edits: TreeEdit[] }> {
  const dir = repoDir(forge, repo);
  const edits: TreeEdit[] = [];
  for (const file of wish.files) edits.push(...(await editsOf(forge, repo, tip, file)));
  const own = signatureOf(actor, forge.now());
  const author = { ...own, ...stated(wish.author ?? wish.committer) };
  const committer = { ...own, ...stated(wish.committer ?? wish.author) };
  const signoff = wish.signoff ? `\nSigned-off-by: ${author.name} <${author.email}>\n` : "";
  const commit = await writeCommit(dir, {
    tree: await editTree(forge.git, dir, tip, edits),
    parents: tip === undefined ? [] : [tip],
    message: `${(wish.message || defaultMessage(wish.files)).trimEnd()}\n${signoff}`,
    author,
    committer,
  });
  return { commit, edits };
}

const stated = (person: Person = {}) => ({
  ...(person.name ? { name: person.name } : {}),
  ...(person.email ? { email: person.email } : {}),
  ...(person.at === undefined ? {} : { at: person.at }),
});

const VERBS = { create: "Add", update: "Update", delete: "Delete" };

/** "Add a, b" and below it what was updated and deleted. */
function defaultMessage(files: readonly FileOperation[]): string {
  const operations = ["create", "update", "delete"] as const;
  const lines = operations.flatMap((operation) => {
    const paths = files.filter((file) => file.operation === operation).map((file) => file.path);
    return paths.length === 0 ? [] : [`${VERBS[operation]} ${paths.join(", ")}`];
  });
  return lines.join("\n");
}

async function editsOf(forge: Forge, repo: Repo, tip: string | undefined, file: FileOperation): Promise<TreeEdit[]> {
  const dir = repoDir(forge, repo);
  const source = file.from_path || file.path;
  const find = async (path: string) => (tip === undefined ? undefined : entryAt(forge.git, dir, tip, path));
  const present = await find(source);
  if (file.operation !== "create") refuseUnseen(present, source, file.sha);
  if (file.operation === "delete") return [{ path: file.path, sha: null }];
  const isNew = file.operation === "create" || source !== file.path;
  if (isNew && (await find(file.path))) throw new Refusal(422, `repository file already exists [path: ${file.path}]`);
  if (isNew) await refuseFileAsFolder(find, file.path);
  const sha = await writeBlob(dir, file.content ?? Buffer.alloc(0));
  const edit = { path: file.path, sha, ...(present?.type === "blob" ? { mode: present.mode } : {}) };
  return source === file.path ? [edit] : [{ path: source, sha: null }, edit];
}

/** What is changed must be what the caller has seen. */
function refuseUnseen(present: TreeEntry | undefined, path: string, sha: string | undefined): void {
  if (!present) throw notFound(`repository file does not exist [path: ${path}]`);
  if (present.type !== "blob") throw new Refusal(422, `path is not a file [path: ${path}]`);
  if (!sha) throw new Refusal(422, "a SHA must be provided when updating or deleting a file");
  if (sha !== present.sha)
    throw new Refusal(422, `sha does not match [given: ${printable(sha, 40)}, expected: ${present.sha}]`);
}

async function refuseFileAsFolder(find: (path: string) => Promise<TreeEntry | undefined>, path: string): Promise<void> {
  const parts = path.split("/");
  for (let depth = 1; depth < parts.length; depth += 1) {
    const folder = parts.slice(0, depth).join("/");
    const present = await find(folder);
    if (present && present.type !== "tree")
      throw new Refusal(422, `a file exists where you’re trying to create a subdirectory [path: ${folder}]`);
  }
}

/** What its operation has made of a file. */
function writtenFile({ path, content: bytes = Buffer.alloc(0) }: FileOperation, edits: readonly TreeEdit[]) {
  const edit = edits.find(({ path: edited, sha }) => edited === path && sha !== null);
  if (!edit?.sha) return null;
  const { sha, mode = PLAIN_FILE } = edit;
  return { entry: { path, mode, type: "blob" as const, sha, size: bytes.length }, bytes };
}
