/** The one table of agents: what is wanted of each, and what it is doing. */
import type { Agent, AgentRole, AgentState, AgentWish, RuntimeKind } from "../../contract/agent.ts";
import { Canary } from "../../contract/canary.ts";
import type { AgentName, EpochMs, LaunchId, ObjectId, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";
import { AgentConfig } from "./agent-yaml.ts";
import { codingAgentOf } from "./coding-agents.ts";
import { lastEndOf, turnsByAgent } from "./in-turn.ts";
import { didYouMean } from "./near-names.ts";

export type AgentRow = {
  name: AgentName;
  role: AgentRole;
  wish: AgentWish;
  state: AgentState;
  since: EpochMs;
  problem: string | null;
  running_tree: ObjectId | null;
  wanted_tree: ObjectId | null;
  /** the commit of `main` that brought the wanted tree */
  wanted_commit: ObjectId | null;
  /** why the wanted tree does not run, as it could not be started */
  difference: string | null;
  deployment: number | null;
  runtime: RuntimeKind | null;
  launch: LaunchId | null;
  /** the one that runs; that, and so whether it is idle or working, is not stored: the entries that are leased tell it */
  turn: TurnId | null;
  /** the conversation to continue */
  session: string | null;
  /** JSON of the AgentConfig of the tree that runs; see `configOf` */
  config: string | null;
  /** a parked agent gets no lease before this time */
  retry_at: EpochMs | null;
  dead_letters: number;
  failed_turns: number;
  lost_wakes: number;
  lost_wake_at: EpochMs | null;
  /** JSON of the newest Canary */
  canary: string | null;
};

type StoredRow = Omit<AgentRow, "turn">;
type Column = Exclude<keyof StoredRow, "name">;
const columns =
  "role wish state since problem running_tree wanted_tree wanted_commit difference deployment runtime launch session config retry_at dead_letters failed_turns lost_wakes lost_wake_at canary".split(
    " ",
  ) as Column[];
/** What the public row does not show; see `toAgent`. */
const unseen: readonly Column[] = ["wanted_commit", "session"];
const LIST = "SELECT * FROM agents";
const MANAGER = "SELECT name FROM agents WHERE role = 'manager' AND wish <> 'destroyed' ORDER BY name LIMIT 1";
const AGENTS: Addition = { table: "agents", columns: ["name", ...columns] };
const change = (changed: readonly Column[]) =>
  `UPDATE agents SET ${changed.map((column) => `${column} = :${column}`).join(", ")} WHERE name = :name`;

/** By their names, in memory: each send, each lease and each end of a turn looks at several. */
const agentsOf = (reader: Reader): Map<string, AgentRow> =>
  reader.remember("agents", () => {
    const turns = turnsByAgent(reader);
    const configs = new Map<string | null, string | null>(); // many have the same one, and it is most of what a row takes
    const now = (stored: StoredRow): AgentRow => {
      const row = { ...stored, config: configs.get(stored.config) ?? stored.config };
      configs.set(row.config, row.config);
      const { turn = null, began_at } = turns.get(row.name) ?? {};
      if (row.state !== "idle") return { ...row, turn };
      if (began_at !== undefined) return { ...row, turn, state: "working", since: latest(row.since, began_at) };
      return { ...row, turn, since: latest(row.since, lastEndOf(reader, row.name)) };
    };
    return new Map(reader.all<StoredRow>(LIST).map((row) => [row.name, now(row)]));
  });

const latest = (a: EpochMs, b: EpochMs | null): EpochMs => (b === null || a > b ? a : b);

const toStored = (state: AgentState): AgentState => (state === "working" ? "idle" : state);

/** The names of those that are not destroyed, in their order. */
export const livingNames = (reader: Reader): AgentName[] =>
  listAgents(reader).flatMap(({ name, wish }) => (wish === "destroyed" ? [] : [name]));

export const findAgent = (reader: Reader, name: string): AgentRow | undefined => agentsOf(reader).get(name);
/** All of them, by their names. */
export const listAgents = (reader: Reader): AgentRow[] =>
  [...agentsOf(reader).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
/** The agent that address `manager` reaches; undefined before the first deployment. */
export function findManager(reader: Reader): AgentRow | undefined {
  const found = reader.get<{ name: AgentName }>(MANAGER);
  return found && findAgent(reader, found.name);
}

/** Agents that could be sent a canary: idle, and not heard of since `before`; longest first, no more than `limit`. */
export function quietAgents(reader: Reader, { before, limit }: { before: number; limit: number }): AgentRow[] {
  const heardAt = (row: AgentRow) => Math.max(row.since, canaryOf(row)?.sentAt ?? 0);
  return listAgents(reader)
    .filter((row) => row.state === "idle" && row.launch !== null && heardAt(row) <= before)
    .sort((a, b) => heardAt(a) - heardAt(b))
    .slice(0, limit);
}

/** An agent by its name, which is its forge user's, unless it is destroyed. */
export function findLiving(reader: Reader, name: string): AgentRow | undefined {
  const row = findAgent(reader, name);
  return row?.wish === "destroyed" ? undefined : row;
}

/** @throws Refusal `unknown_agent` */
export function requireAgent(reader: Reader, name: string): AgentRow {
  const row = findAgent(reader, name);
  if (row) return row;
  const meant = didYouMean(name, [...agentsOf(reader).keys()]);
  throw new Refusal("unknown_agent", `There is no agent "${name}".${meant}`, "Look at the list of agents.");
}

/** Makes the row of an agent that `main` brought, with its event. */
export function addAgent(
  tx: Transaction,
  core: Core,
  agent: Pick<AgentRow, "name" | "role" | "wanted_tree" | "wanted_commit">,
): AgentRow {
  const row: AgentRow = {
    ...agent,
    wish: "running",
    state: "converging",
    since: core.clock.now(),
    problem: null,
    running_tree: null,
    difference: null,
    deployment: null,
    runtime: null,
    launch: null,
    turn: null,
    session: null,
    config: null,
    retry_at: null,
    dead_letters: 0,
    failed_turns: 0,
    lost_wakes: 0,
    lost_wake_at: null,
    canary: null,
  };
  tx.add(AGENTS, [row.name, ...columns.map((column) => row[column])]); // converging, which is stored as it is
  agentsOf(tx).set(row.name, row);
  return tell(tx, core, row);
}

/**
 * Changes an agent's row, with its event when the public row changed; `since` moves with the state. What a turn's beginning and
 * end alone change is neither stored nor an event: the turn's own says it.
 */
export function changeAgent(
  tx: Transaction,
  core: Core,
  name: AgentName,
  to: Partial<Omit<AgentRow, "name" | "since">>,
  now = core.clock.now(),
): AgentRow {
  const before = requireAgent(tx, name);
  const isNewState = to.state !== undefined && to.state !== before.state;
  const after: AgentRow = { ...before, ...to, since: isNewState ? now : before.since };
  const changed = store(tx, before, after);
  agentsOf(tx).set(name, after);
  return changed.every((column) => unseen.includes(column)) ? after : tell(tx, core, after);
}

/** @returns the columns that it has changed */
function store(tx: Transaction, before: AgentRow, after: AgentRow): Column[] {
  const isAsStored = toStored(before.state) === toStored(after.state);
  const changed = columns.filter(
    (column) => after[column] !== before[column] && !(isAsStored && (column === "state" || column === "since")),
  );
  if (changed.length === 0) return changed;
  const row = { ...after, state: toStored(after.state) };
  tx.run(change(changed), Object.fromEntries(["name" as const, ...changed].map((column) => [column, row[column]])));
  return changed;
}

function tell(tx: Transaction, core: Core, row: AgentRow): AgentRow {
  core.events.append(tx, { kind: "AgentChanged", agent: toAgent(row) }, core.clock.now());
  return row;
}

export const notUp = ({ name, state, problem }: AgentRow, lacks: "loop" | "process"): Refusal =>
  new Refusal(
    "no_loop",
    `${name} has no ${lacks} just now: it is ${state}.${problem ? ` ${problem}` : ""}`,
    "Wait until it is idle, or see why it is not with `hive status`.",
  );

/** The public row. */
export const toAgent = (row: AgentRow): Agent => ({
  name: row.name,
  role: row.role,
  wish: row.wish,
  state: row.state,
  since: row.since,
  problem: row.problem,
  retryAt: row.retry_at,
  runningTree: row.running_tree,
  wantedTree: row.wanted_tree,
  difference: row.difference,
  deployment: row.deployment,
  runtime: row.runtime,
  launch: row.launch,
  turn: row.turn,
  deadLetters: row.dead_letters,
  failedTurns: row.failed_turns,
  lostWakes: row.lost_wakes,
  lostWakeAt: row.lost_wake_at,
  canary: canaryOf(row),
  ...signInOf(configOf(row)),
});

function signInOf(config: AgentConfig | null): Pick<Agent, "signsIn" | "signsInByLink"> {
  const { secrets, signsInByLink } = config ? codingAgentOf(config.harness) : {};
  return { ...(secrets && { signsIn: true }), ...(signsInByLink && { signsInByLink }) };
}

export const canaryOf = ({ canary }: AgentRow): Canary | null =>
  canary === null ? null : Canary.parse(JSON.parse(canary));

/** Many agents have the same one, and each send and each lease looks at it. */
const parsedConfigs = new Map<string, AgentConfig>();
const mostParsed = 500;

/** The config of the tree that runs; null before the first deployment is prepared. */
export function configOf({ config }: AgentRow): AgentConfig | null {
  if (config === null) return null;
  const parsed = parsedConfigs.get(config) ?? AgentConfig.parse(JSON.parse(config));
  if (parsedConfigs.size >= mostParsed) parsedConfigs.clear();
  parsedConfigs.set(config, parsed);
  return parsed;
}
