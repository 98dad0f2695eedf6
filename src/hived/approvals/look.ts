/** Everything about one pull request that a decision needs, read from the forge at one time. */
import type { Forge, Pull, TreeEntry } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory } from "../lifecycle/parts.ts";
import { inputsFile, subjectOf } from "./subject.ts";
import { type Proposal, type Verdict, validate } from "./validate.ts";

type Bot = ReturnType<Forge["as"]>;

/**
 * Judges a pull request's head against `main` as it is now. What it changes is read from the two commits themselves: the
 * forge's own list goes by number, and would speak of another head after a push in between.
 */
export async function lookAtHead(bot: Bot, pull: Pull, manager: string | null): Promise<Verdict> {
  const [before, after] = await Promise.all([listAll(bot, pull.mergeBase), listAll(bot, pull.head)]);
  const changedPaths = differingPaths(before, after);
  const subject = subjectOf(changedPaths);
  const nothing: Proposal = { changedPaths, head: [], main: [], headText: null, mainText: null, manager };
  if (subject.kind === "other") return validate(nothing);
  const now = await listAll(bot, "main");
  if (subject.kind === "decision") {
    const changed = (entries: TreeEntry[]) => entries.filter(({ path }) => changedPaths.includes(path)).map(toFile(""));
    return validate({ ...nothing, head: changed(after), main: changed(now) });
  }
  const [directory, file] =
    subject.kind === "agent" ? [`${agentDirectory(subject.agent)}/`, "agent.yaml"] : ["", inputsFile];
  const filesOf = (entries: TreeEntry[]) =>
    entries.filter(({ path }) => (directory === "" ? path === file : path.startsWith(directory)));
  const [head, main] = [filesOf(after), filesOf(now)];
  const [headText, mainText] = await Promise.all(
    [head, main].map((files) => readText(bot, files, `${directory}${file}`)),
  );
  return validate({
    ...nothing,
    head: head.map(toFile(directory)),
    main: main.map(toFile(directory)),
    headText: headText ?? null,
    mainText: mainText ?? null,
  });
}

/** Paths are told from their directory on. */
const toFile =
  (directory: string) =>
  ({ path, mode, size, sha }: TreeEntry) => ({
    path: path.slice(directory.length),
    mode,
    bytes: size,
    sha,
  });

const listAll = async (bot: Bot, ref: string): Promise<TreeEntry[]> =>
  (await bot.readTree(agentsRepo, ref, { recursive: true })).filter(({ type }) => type !== "tree");

function differingPaths(before: TreeEntry[], after: TreeEntry[]): string[] {
  const contentOf = (entries: TreeEntry[]) => new Map(entries.map(({ path, mode, sha }) => [path, `${mode} ${sha}`]));
  const [old, now] = [contentOf(before), contentOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((path) => old.get(path) !== now.get(path)).sort();
}

async function readText(bot: Bot, files: TreeEntry[], path: string): Promise<string | null> {
  const file = files.find((entry) => entry.path === path && entry.type === "blob");
  return file ? (await bot.readBlob(agentsRepo, file.sha)).toString("utf8") : null;
}
