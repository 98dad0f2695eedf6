/**
 * The directories that agents see. hived never opens one: only here are files made that an agent can read or write.
 *
 *   <agentsRoot>/<name>/state            the agent's own, durable
 *   <agentsRoot>/<name>/config/<tree>    one version of its configuration, read-only, made whole or not at all
 *   <privateRoot>/<name>/home            its program's own, durable, seen by no other agent
 *   <privateRoot>/<name>/secrets         what its program signs in with, likewise, and read-only
 *   <docsRoot>/<commit>, current → …     `/docs`: `current` leads to the newest, so that it changes under a running sandbox,
 *                                        which has mounted the directory above
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readlink, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type FileToWrite, placeNames } from "../contract/launch.ts";
import type { AgentName, ObjectId } from "../contract/names.ts";
import { Refusal } from "../contract/refusal.ts";

/** Makes an agent's directories and the version of its configuration; found done when it is there. */
export async function prepareAgent(
  { agentsRoot, privateRoot }: { agentsRoot: string; privateRoot: string },
  { agent, tree, files }: { agent: AgentName; tree: ObjectId; files: readonly FileToWrite[] },
): Promise<void> {
  await mkdir(join(agentsRoot, agent, placeNames.state), { recursive: true });
  for (const name of [placeNames.home, placeNames.secrets])
    await mkdir(join(privateRoot, agent, name), { recursive: true, mode: 0o700 });
  await makeVersion(join(agentsRoot, agent, placeNames.config, tree), files);
}

/** Removes what a killed runner left unfinished. To be called before anything else is made here. */
export async function sweep(agentsRoot: string): Promise<void> {
  for (const name of await readdir(agentsRoot)) {
    if (name.startsWith(".probe-")) await remove(join(agentsRoot, name));
    const config = join(agentsRoot, name, placeNames.config);
    const versions = (await exists(config)) ? await readdir(config) : [];
    for (const version of versions) if (version.startsWith(".new-")) await remove(join(config, version));
  }
}

const current = placeNames.currentDocs;

/** Makes `/docs` a directory from the start, empty until its content has come. */
export async function prepareDocs(docsRoot: string): Promise<void> {
  await mkdir(docsRoot, { recursive: true });
  if (await exists(join(docsRoot, current))) return;
  await makeVersion(join(docsRoot, "empty"), []);
  await pointTo(docsRoot, "empty");
}

/** Replaces the content of `/docs` at once. The version before it is kept for whoever is reading in it just now. */
export async function updateDocs(
  docsRoot: string,
  { commit, files }: { commit: ObjectId; files: readonly FileToWrite[] },
): Promise<void> {
  const before = await readlink(join(docsRoot, current));
  if (before === commit) return;
  await makeVersion(join(docsRoot, commit), files);
  await pointTo(docsRoot, commit);
  for (const name of await readdir(docsRoot)) {
    if (![commit, before, current].includes(name)) await remove(join(docsRoot, name));
  }
}

/** A link can't be changed, but it can be replaced by another in one step. */
async function pointTo(docsRoot: string, version: string): Promise<void> {
  const link = join(docsRoot, `.link-${randomBytes(8).toString("hex")}`);
  await symlink(version, link);
  await rename(link, join(docsRoot, current));
}

/**
 * Makes a directory of files under its final name, whole or not at all; found done when it is there. That no agent writes
 * in it is the sandbox's doing: directories without the right to write could not be removed by `rm -rf` of their owner.
 */
async function makeVersion(directory: string, files: readonly FileToWrite[]): Promise<void> {
  if (await exists(directory)) return;
  const paths = files.map(({ path }) => checkedPath(path));
  const unfinished = join(dirname(directory), `.new-${randomBytes(8).toString("hex")}`);
  await mkdir(unfinished, { recursive: true });
  for (const [index, { content, executable }] of files.entries()) {
    const file = join(unfinished, paths[index] ?? "");
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, Buffer.from(content, "base64"), { mode: executable ? 0o555 : 0o444, flush: true });
  }
  await rename(unfinished, directory).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    await remove(unfinished); // a second call of the same was faster
  });
}

const remove = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/**
 * A path that stays inside the directory that it is relative to: git trees and forges let through odd ones.
 * @throws Refusal `bad_path`
 */
export function checkedPath(path: string): string {
  const parts = path.split("/");
  const isPlain = parts.every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
  if (isPlain && Buffer.byteLength(path) < 1_000) return path;
  throw new Refusal("bad_path", `"${path.slice(0, 100)}" is not a path inside its directory.`, "Rename that file.");
}
