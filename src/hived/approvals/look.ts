/** Everything about one pull request that a decision needs, read from the forge at one time. */
import type { Forge, Pull, TreeEntry } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory } from "../lifecycle/parts.ts";
import { agentOfPaths, type Proposal, type Verdict, validate } from "./validate.ts";

type Bot = ReturnType<Forge["as"]>;

/**
 * Judges a pull request's head against `main` as it is now. What it changes is read from the two commits themselves: the
 * forge's own list goes by number, and would speak of another head after a push in between.
 */
export async function lookAtHead(bot: Bot, pull: Pull, manager: string | null): Promise<Verdict> {
  const [before, after] = await Promise.all([listAll(bot, pull.mergeBase), listAll(bot, pull.head)]);
  const changedPaths = differingPaths(before, after);
  const agent = agentOfPaths(changedPaths);
  if (agent === null) return validate({ changedPaths, ...nothing, manager });
  const directory = agentDirectory(agent);
  const head = filesIn(after, directory);
  const main = filesIn(await listAll(bot, "main"), directory);
  const [headYaml, mainYaml] = await Promise.all([readYaml(bot, head), readYaml(bot, main)]);
  const strip = ({ path, mode, size }: TreeEntry) => ({ path: path.slice(directory.length + 1), mode, bytes: size });
  return validate({ changedPaths, head: head.map(strip), main: main.map(strip), headYaml, mainYaml, manager });
}

const nothing: Pick<Proposal, "head" | "main" | "headYaml" | "mainYaml"> = {
  head: [],
  main: [],
  headYaml: null,
  mainYaml: null,
};

const listAll = async (bot: Bot, ref: string): Promise<TreeEntry[]> =>
  (await bot.readTree(agentsRepo, ref, { recursive: true })).filter(({ type }) => type !== "tree");

const filesIn = (entries: TreeEntry[], directory: string) =>
  entries.filter(({ path }) => path.startsWith(`${directory}/`));

function differingPaths(before: TreeEntry[], after: TreeEntry[]): string[] {
  const contentOf = (entries: TreeEntry[]) => new Map(entries.map(({ path, mode, sha }) => [path, `${mode} ${sha}`]));
  const [old, now] = [contentOf(before), contentOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((path) => old.get(path) !== now.get(path)).sort();
}

async function readYaml(bot: Bot, files: TreeEntry[]): Promise<string | null> {
  const yaml = files.find(({ path, type }) => type === "blob" && /^agents\/[^/]+\/agent\.yaml$/.test(path));
  return yaml ? (await bot.readBlob(agentsRepo, yaml.sha)).toString("utf8") : null;
}
