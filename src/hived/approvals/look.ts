/** Everything about one pull request that a decision needs, read from the forge at one time. */
import { Fault } from "../../contract/fault.ts";
import type { Forge, Pull, TreeEntry } from "../forge/client.ts";
import { agentsRepo } from "../forge/plan.ts";
import { agentDirectory } from "../lifecycle/parts.ts";
import { closingProblem } from "./closing-words.ts";
import { inputsFile, subjectOf } from "./subject.ts";
import { type Proposal, type Verdict, validate } from "./validate.ts";

type Bot = ReturnType<Forge["as"]>;

/**
 * Judges a pull request's head against `main` as it is now. What it changes is read from the two commits themselves: the
 * forge's own list goes by number, and would speak of another head after a push in between.
 */
export async function lookAtHead(bot: Bot, pull: Pull, manager: string | null): Promise<Verdict> {
  const problem = pull.base === "main" ? await oddHistory(bot, pull) : null; // nothing else is acted on
  const draft = pull.isDraft ? [workInProgress] : [];
  if (problem !== null) return { kind: "other", agent: null, problems: [problem, ...draft], permissions: [] };
  const [before, after] = await Promise.all([listAll(bot, pull.mergeBase), listAll(bot, pull.head)]);
  const verdict = await judge(bot, { before, after, manager });
  return { ...verdict, problems: [...draft, ...verdict.problems] };
}

/** The agents whose directories a pull request adds or changes, whatever else it does. */
export async function agentsChangedBy(bot: Bot, number: number): Promise<string[]> {
  const pull = await bot.readPull(agentsRepo, number);
  if (!pull) return [];
  const directoriesAt = async (ref: string): Promise<TreeEntry[]> => {
    const tree = await bot.readDirectoryTree(agentsRepo, ref, "agents");
    return tree === null ? [] : (await bot.readTree(agentsRepo, tree)).filter(({ type }) => type === "tree");
  };
  const [before, after] = await Promise.all([directoriesAt(pull.mergeBase), directoriesAt(pull.head)]);
  const old = new Map(before.map(({ path, sha }) => [path, sha]));
  return after.filter(({ path, sha }) => old.get(path) !== sha).map(({ path }) => path);
}

/** What the forge would say only once it is to be merged. */
export const workInProgress = "its title says that it is work in progress: take “WIP:” off it";

/** The forge lists no more of a head's own commits at once, whatever it is set to. */
const mostCommits = 50;

/**
 * Why what is merged might be something else than what the head changes since it left `main`. Of a straight line of commits
 * it is the same; one that merges may have left `main` in two places, and take back what was changed after one of them, while
 * no difference shows it. And the bot, who pushes them to `main`, would do to issues what their messages say.
 * @throws Fault while the forge's merge base is another one than the line's end: it may still be the one of the head before,
 *   and git's list, which goes by dates that anybody can write, may have passed it.
 */
async function oddHistory(bot: Bot, { number, head, mergeBase }: Pull): Promise<string | null> {
  const commits = await bot.listCommitsBeside(agentsRepo, head, "main");
  if (commits.length >= mostCommits)
    return `It has ${mostCommits} commits or more: make fewer of them, and push them again.`;
  if (commits.some(({ parents }) => parents.length !== 1))
    return "It contains a merge, which can change more than is shown here: rebase it on main instead, and push it again.";
  const closing = commits.map(({ message }) => closingProblem(message)).find((problem) => problem !== null);
  if (closing !== undefined) return `${closing} Push it again.`;
  const end = commits.at(-1)?.parents[0] ?? mergeBase; // or it is in main already
  if (end !== mergeBase) throw new Fault(`the forge can't merge #${number} yet: it has not compared it with main`);
  return null;
}

type Compared = { before: TreeEntry[]; after: TreeEntry[]; manager: string | null };

async function judge(bot: Bot, { before, after, manager }: Compared): Promise<Verdict> {
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
