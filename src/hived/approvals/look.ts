/** Everything about one pull request that a decision needs, read from the forge at one time. */
import type { Forge, Pull } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory } from "../lifecycle/parts.ts";
import { agentOfPaths, type Directory, type Proposal, type Verdict, validate } from "./validate.ts";

type Bot = ReturnType<Forge["as"]>;

/** Judges a pull request's head against `main` as it is now. */
export async function lookAtHead(bot: Bot, pull: Pull, manager: string | null): Promise<Verdict> {
  const changed = await bot.listPullFiles(agentsRepo, pull.number);
  const changedPaths = changed.flatMap(({ path, previousPath }) => (previousPath ? [previousPath, path] : [path]));
  const agent = agentOfPaths(changedPaths);
  if (agent === null) return validate({ changedPaths, ...nothing, manager });
  const directory = agentDirectory(agent);
  const [head, main] = await Promise.all([
    listDirectory(bot, pull.head, directory),
    listDirectory(bot, "main", directory),
  ]);
  const [headYaml, mainYaml] = await Promise.all([readYaml(bot, pull.head, head), readYaml(bot, "main", main)]);
  const strip = ({ path, ...rest }: Directory[number]) => ({ ...rest, path: path.slice(directory.length + 1) });
  return validate({ changedPaths, head: head.map(strip), main: main.map(strip), headYaml, mainYaml, manager });
}

const nothing: Pick<Proposal, "head" | "main" | "headYaml" | "mainYaml"> = {
  head: [],
  main: [],
  headYaml: null,
  mainYaml: null,
};

async function listDirectory(bot: Bot, ref: string, directory: string): Promise<Directory> {
  const entries = await bot.readTree(agentsRepo, ref, { recursive: true });
  return entries
    .filter(({ path, type }) => path.startsWith(`${directory}/`) && type !== "tree")
    .map(({ path, mode, size }) => ({ path, mode, bytes: size }));
}

async function readYaml(bot: Bot, ref: string, files: Directory): Promise<string | null> {
  const yaml = files.find(({ path }) => /^agents\/[^/]+\/agent\.yaml$/.test(path));
  return yaml ? ((await bot.readFile(agentsRepo, ref, yaml.path))?.toString("utf8") ?? null) : null;
}
