/** What an approval would allow, as sentences that the operator reads before approving. */
import type { AgentConfig } from "../agents/agent-yaml.ts";

type Right = { name: string; say: (config: AgentConfig) => string };

const rights: Right[] = [
  {
    name: "role",
    say: ({ role }) => (role === "manager" ? "manages the hive: sees every agent's files and threads" : "is a worker"),
  },
  { name: "harness", say: ({ harness }) => `runs the coding agent “${harness.profile}” (driver ${harness.driver})` },
  {
    name: "runtime",
    say: ({ runtime }) =>
      runtime.driver === "process"
        ? "runs as a plain process, without any isolation from this machine"
        : runtime.driver === undefined
          ? "runs in the strongest sandbox that works here"
          : `runs in the sandbox “${runtime.driver}”`,
  },
  {
    name: "network",
    say: ({ runtime }) =>
      runtime.network === "full" ? "reaches the whole network" : `reaches the network as “${runtime.network}”`,
  },
  {
    name: "recipients",
    say: ({ recipients }) =>
      recipients.includes("*")
        ? "may write to every agent"
        : `may write to ${["the manager", "the operator", ...recipients].join(", ")}`,
  },
  {
    name: "limits",
    say: ({ limits }) =>
      `one turn lasts at most ${limits.turn_minutes} minutes, and ${limits.silence_minutes} without a sign of life`,
  },
  { name: "budgets", say: ({ budgets }) => `has at most ${budgets.turns_per_hour} turns an hour` },
];

/** For a new agent all that it may do; for a changed one what changes, old and new. */
export function permissionDiff(before: AgentConfig | null, after: AgentConfig): string[] {
  if (!before) return rights.map(({ say }) => say(after));
  return rights
    .map(({ say }) => ({ old: say(before), now: say(after) }))
    .filter(({ old, now }) => old !== now)
    .map(({ old, now }) => `${now} (before: ${old})`);
}
