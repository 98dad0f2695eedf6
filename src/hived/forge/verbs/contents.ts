/** Branches, trees, files and tags of a repository. */
import { posix } from "node:path";
import { z } from "zod";
import { Fault } from "../../../contract/fault.ts";
import type { FileToWrite } from "../../../contract/launch.ts";
import { ObjectId } from "../../../contract/names.ts";
import { Refusal } from "../../../contract/refusal.ts";
import type { Connection } from "../connection.ts";
import { ForgeRefusal, isRefused } from "../errors.ts";
import { at, encode, encodePath } from "./shapes.ts";

export type TreeEntry = {
  path: string;
  /** of a directory its tree, of a file its blob, of a submodule its commit */
  sha: ObjectId;
  type: "tree" | "blob" | "commit";
  /** git's: 100644, 100755, 120000 (a link), 040000, 160000 */
  mode: string;
  size: number;
};

const Tree = z.object({
  tree: z
    .array(
      z.object({
        path: z.string(),
        sha: ObjectId,
        type: z.enum(["tree", "blob", "commit"]),
        mode: z.string(),
        size: z.number().nullish(),
      }),
    )
    .nullable(),
  truncated: z.boolean(),
});
const Branch = z.object({ commit: z.object({ id: ObjectId }) });
const Commit = z.object({
  sha: ObjectId,
  parents: z.array(z.object({ sha: ObjectId })).nullish(),
  commit: z.object({ message: z.string() }),
});
const Blob = z.object({ content: z.string() });
const Tag = z.object({ name: z.string(), commit: z.object({ sha: ObjectId }) });

/** Blobs are asked for one by one; so many at a time. */
const blobsAtOnce = 4;

export function contentVerbs(connection: Connection) {
  const readTree = async (repo: string, ref: string, { recursive = false } = {}): Promise<TreeEntry[]> => {
    const entries: TreeEntry[] = [];
    for (let page = 1; ; page += 1) {
      const query = { ...(recursive && { recursive }), page, per_page: 1000 };
      const { tree, truncated } = await connection.ask(Tree, (api) =>
        api.repos.getTree(...at(repo), encode(ref), query),
      );
      entries.push(...(tree ?? []).map((entry) => ({ ...entry, size: entry.size ?? 0 })));
      if (!truncated || !tree?.length) return entries;
    }
  };
  const readDirectoryTree = async (repo: string, ref: string, directory: string): Promise<ObjectId | null> => {
    let tree: string = ref;
    for (const part of directory.split("/").filter((name) => name !== "")) {
      const entry = (await readTree(repo, tree)).find(({ path, type }) => path === part && type === "tree");
      if (!entry) return null;
      tree = entry.sha;
    }
    return tree as ObjectId;
  };
  const readBlob = async (repo: string, sha: string): Promise<Buffer> => {
    const { content } = await connection.ask(Blob, (api) => api.repos.getBlob(...at(repo), encode(sha)));
    return Buffer.from(content, "base64");
  };
  const readFile = async (repo: string, ref: string, path: string): Promise<Buffer | null> => {
    const bytes = await connection.find(z.instanceof(ArrayBuffer), (api) =>
      api.repos.repoGetRawFile(...at(repo), encodePath(path), { ref }, { format: "arrayBuffer" }),
    );
    return bytes && Buffer.from(bytes);
  };
  const findTag = (repo: string, name: string) =>
    connection.find(Tag, (api) => api.repos.repoGetTag(...at(repo), encodePath(name)));
  return {
    /** The branch's head; null when there is none, as in an empty repository. */
    async readBranch(repo: string, branch: string): Promise<{ commit: ObjectId } | null> {
      const found = await connection.find(Branch, (api) => api.repos.repoGetBranch(...at(repo), encode(branch)));
      return found && { commit: found.commit.id };
    },
    /** The newest 50 commits of a head that a branch has not, newest first, with their parents and messages. */
    async listCommitsBeside(
      repo: string,
      head: ObjectId,
      branch: string,
    ): Promise<{ parents: ObjectId[]; message: string }[]> {
      const query = { sha: head, not: branch, limit: 50, stat: false, files: false, verification: false };
      const commits = await connection.ask(z.array(Commit).nullable(), (api) =>
        api.repos.repoGetAllCommits(...at(repo), query),
      );
      return (commits ?? []).map(({ parents, commit }) => ({
        parents: (parents ?? []).map(({ sha }) => sha),
        message: commit.message,
      }));
    },
    /** What a commit, branch or tree holds, paths relative to it. @throws ForgeRefusal when there is none of it */
    readTree,
    /** The git tree of a directory at a ref; null when it has no such directory. Two commits with the same have the same files. */
    readDirectoryTree,
    /** A file's content at a ref; null when there is no such file. */
    readFile,
    /** A blob's content; empty beyond the forge's `api.DEFAULT_MAX_BLOB_SIZE`, whatever its size is. */
    readBlob,
    /**
     * Every plain file of a directory at a ref ("" is all of it), paths relative to it; links and submodules are left out.
     * @throws Refusal `too_large`, before any is fetched, when they have more than `atMostBytes` in all
     */
    async readFiles(
      repo: string,
      ref: string,
      directory: string,
      { atMostBytes = Number.POSITIVE_INFINITY } = {},
    ): Promise<FileToWrite[]> {
      const tree = directory === "" ? ref : await readDirectoryTree(repo, ref, directory);
      if (tree === null) return [];
      const entries = await readTree(repo, tree, { recursive: true });
      const plain = entries.filter(({ mode }) => mode === "100644" || mode === "100755");
      const bytes = plain.reduce((sum, { size }) => sum + size, 0);
      if (bytes > atMostBytes) throw tooLarge(repo, bytes, atMostBytes);
      const contentOf = async ({ path, sha, size }: TreeEntry): Promise<Buffer> => {
        const blob = await readBlob(repo, sha);
        const content = blob.length === size ? blob : await readFile(repo, ref, posix.join(directory, path));
        if (content?.length !== size) throw new Fault(`the forge gave ${path} of ${repo} in part only`);
        return content;
      };
      const files: FileToWrite[] = [];
      while (plain.length > 0) {
        const reading = plain.splice(0, blobsAtOnce).map(async (entry) => ({
          path: entry.path,
          content: (await contentOf(entry)).toString("base64"),
          executable: entry.mode === "100755",
        }));
        files.push(...(await Promise.all(reading)));
      }
      return files;
    },
    /** Adds files to a branch in one commit; the first commit of an empty repository makes the branch. */
    async commitFiles(
      repo: string,
      commit: { branch: string; message: string; files: { path: string; content: Buffer }[] },
    ): Promise<void> {
      const files = commit.files.map(({ path, content }) => ({
        operation: "create" as const,
        path,
        content: content.toString("base64"),
      }));
      await connection.tell((api) => api.repos.repoChangeFiles(...at(repo), { ...commit, files }));
    },
    /** Tags a commit; found done when the tag is there on that very commit. */
    async createTag(repo: string, name: string, sha: string, message: string): Promise<void> {
      try {
        await connection.tell((api) => api.repos.repoCreateTag(...at(repo), { tag_name: name, target: sha, message }));
      } catch (error) {
        if (!isRefused(error, 409)) throw error;
        const tag = await findTag(repo, name);
        if (tag?.commit.sha !== sha) throw new ForgeRefusal(409, `the tag ${name} is on another commit`);
      }
    },
    async listTags(repo: string): Promise<{ name: string; commit: ObjectId }[]> {
      const tags = await connection.list(Tag, (api, page) => api.repos.repoListTags(...at(repo), page));
      return tags.map(({ name, commit }) => ({ name, commit: commit.sha }));
    },
  };
}

const mebibyte = 1024 * 1024;

const tooLarge = (repo: string, bytes: number, atMostBytes: number): Refusal =>
  new Refusal(
    "too_large",
    `${repo} has ${Math.ceil(bytes / mebibyte)} MiB of files, more than the ${Math.floor(atMostBytes / mebibyte)} MiB that agents can be given.`,
    "Remove the largest from its main, or put them into a repository of their own.",
  );
