/** What an approval would newly allow, change or take away, as sentences that the operator reads before approving. */
import { showHidden } from "../../contract/hidden-characters.ts";
import type { AgentConfig } from "../agents/agent-yaml.ts";

/**
 * How much a sentence matters; it is read in this order:
 *   risk: leads out of the sandbox, or to everybody; more: allowed newly; changed: neither more nor less;
 *   told: not what it may do, but what it is told; less: allowed no more
 */
const weights = ["risk", "more", "changed", "told", "less"] as const;
export type Permission = { weight: (typeof weights)[number]; text: string };

/** A setting with a meaning of its own for each value; null where it is left out, and nothing is to be said. */
type Choice = { say(config: AgentConfig): string | null; isRisk(config: AgentConfig): boolean };
const choices: Choice[] = [
  {
    say: ({ role }) => (role === "manager" ? "manages the hive: sees every agent's files and threads" : "is a worker"),
    isRisk: ({ role }) => role === "manager",
  },
  {
    say: ({ harness }) =>
      harness.driver === "acp"
        ? `runs the coding agent “${harness.profile}” (driver acp)`
        : "runs Claude Code (driver claude)",
    isRisk: () => false,
  },
  {
    say: ({ harness: { command } }) => (command ? `is started by the command ${JSON.stringify(command)}` : null),
    isRisk: () => true,
  },
  { say: ({ harness: { model } }) => (model ? `uses the model “${model}”` : null), isRisk: () => false },
  {
    say: ({ runtime: { driver } }) => {
      if (driver === "process") return "runs as a plain process, without any isolation from this machine";
      return driver === undefined ? "runs in the strongest sandbox that works here" : `runs in the sandbox “${driver}”`;
    },
    isRisk: ({ runtime }) => runtime.driver === "process",
  },
  {
    say: ({ runtime: { network } }) =>
      network === "full" ? "reaches the whole network" : `reaches the network as “${network}”`,
    isRisk: ({ runtime }) => runtime.network === "full",
  },
];

/** A variable can lead a coding agent anywhere, such as to another model API. */
const variable = (name: string): Choice => ({
  say({ harness: { env } }) {
    return env[name] === undefined ? null : `has ${name}=${env[name]} in its environment`;
  },
  isRisk: () => true,
});

const choicesOf = (...configs: AgentConfig[]): Choice[] => [
  ...choices,
  ...[...new Set(configs.flatMap(({ harness }) => Object.keys(harness.env)))].sort().map(variable),
];

/** A setting of which more is allowed the higher it is. */
type Measure = { of(config: AgentConfig): number; say(value: number): string };
const measures: Measure[] = [
  { of: ({ limits }) => limits.turn_minutes, say: (minutes) => `one turn lasts at most ${minutes} minutes` },
  {
    of: ({ limits }) => limits.silence_minutes,
    say: (minutes) => `a turn is cut off after ${minutes} minutes without a sign of life`,
  },
  {
    of: ({ limits }) => limits.idle_stop_minutes,
    say: (minutes) => `its process is ended after ${minutes} minutes without work`,
  },
  { of: ({ budgets }) => budgets.turns_per_hour, say: (turns) => `has at most ${turns} turns an hour` },
  {
    of: ({ budgets }) => budgets.tool_calls_per_minute,
    say: (calls) => `calls the hive's tools at most ${calls} times a minute`,
  },
];

/** For a new agent all that it may do; for a changed one what changes, old and new. What weighs most comes first. */
export const permissionDiff = (before: AgentConfig | null, after: AgentConfig): Permission[] =>
  byWeight(before ? changes(before, after) : everything(after));

const everything = (config: AgentConfig): Permission[] => [
  ...choicesOf(config).flatMap(({ say, isRisk }): Permission[] => {
    const text = say(config);
    return text === null ? [] : [{ weight: isRisk(config) ? "risk" : "more", text }];
  }),
  allRecipients(config.recipients),
  ...measures.map(({ of, say }): Permission => ({ weight: "more", text: say(of(config)) })),
];

const changes = (before: AgentConfig, after: AgentConfig): Permission[] => [
  ...choicesOf(before, after).flatMap((choice) => choiceDiff(choice, before, after)),
  ...recipientsDiff(before.recipients, after.recipients),
  ...measures.flatMap((measure) => measureDiff(measure, before, after)),
];

/** What an agent loses for good; how it stands afterwards is in lifecycle/converge. */
export const destroyDiff = (before: AgentConfig | null): Permission[] => [
  ...(before?.role === "manager" ? [{ weight: "risk" as const, text: "is the manager: the hive has none then" }] : []),
  { weight: "risk", text: "is stopped for good, after its running turn" },
  { weight: "less", text: "loses its forge token and its places in teams" },
  { weight: "less", text: "keeps its state directory, its forge user and all that it wrote" },
];

/** Files beside agent.yaml, which is said field by field. */
export function filesDiff(
  before: readonly { path: string; sha: string }[],
  after: readonly { path: string; sha: string }[],
): Permission[] {
  const contentOf = (files: typeof before) => new Map(files.map(({ path, sha }) => [path, sha]));
  const [old, now] = [contentOf(before), contentOf(after)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].filter((path) => path !== "agent.yaml").sort();
  const sentence = (weight: Permission["weight"], words: string, names: string[]): Permission[] =>
    names.length === 0 ? [] : [{ weight, text: `${words} ${someOf(names)}` }];
  return [
    ...sentence(
      "told",
      "is given a new",
      paths.filter((path) => !old.has(path)),
    ),
    ...sentence(
      "told",
      "is given another",
      paths.filter((path) => old.has(path) && now.has(path) && old.get(path) !== now.get(path)),
    ),
    ...sentence(
      "less",
      "is given no more",
      paths.filter((path) => !now.has(path)),
    ),
  ];
}

/** As they are shown everywhere. */
export const byWeight = (sentences: readonly Permission[]): Permission[] =>
  sentences
    .map(({ weight, text }) => ({ weight, text: showHidden(text) }))
    .toSorted((a, b) => weights.indexOf(a.weight) - weights.indexOf(b.weight));

function choiceDiff({ say, isRisk }: Choice, before: AgentConfig, after: AgentConfig): Permission[] {
  const [old, now] = [say(before), say(after)];
  if (old === now) return [];
  if (now === null) return [{ weight: "less", text: `${old} no more` }];
  const weight = isRisk(after) ? "risk" : old !== null && isRisk(before) ? "less" : "changed";
  return [{ weight, text: old === null ? now : `${now} (before: ${old})` }];
}

function measureDiff({ of, say }: Measure, before: AgentConfig, after: AgentConfig): Permission[] {
  const [old, now] = [of(before), of(after)];
  return old === now ? [] : [{ weight: now > old ? "more" : "less", text: `${say(now)} (before: ${old})` }];
}

type Recipients = AgentConfig["recipients"];

const allRecipients = (recipients: Recipients): Permission =>
  recipients.includes("*")
    ? { weight: "risk", text: "may write to every agent" }
    : { weight: "more", text: `may write to ${["the manager", "the operator", ...recipients].join(", ")}` };

function recipientsDiff(before: Recipients, after: Recipients): Permission[] {
  const [wasAll, isAll] = [before.includes("*"), after.includes("*")];
  if (isAll) return wasAll ? [] : [{ weight: "risk", text: "may newly write to every agent" }];
  if (wasAll) {
    const left = allRecipients(after);
    return [{ weight: "less", text: `${left.text} only (before: to every agent)` }];
  }
  const [added, removed] = [
    after.filter((name) => !before.includes(name)),
    before.filter((name) => !after.includes(name)),
  ];
  return [
    ...(added.length > 0 ? [{ weight: "more" as const, text: `may newly write to ${added.join(", ")}` }] : []),
    ...(removed.length > 0 ? [{ weight: "less" as const, text: `may no more write to ${removed.join(", ")}` }] : []),
  ];
}

/** So many names say enough. */
const namesShown = 10;
const someOf = (names: string[]): string =>
  `${names.slice(0, namesShown).join(", ")}${names.length > namesShown ? ` and ${names.length - namesShown} more` : ""}`;
