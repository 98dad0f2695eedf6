/** What the tools tell of agents: of all in a line each, and for the manager of one at length. */
import { type AgentName, shortTurnId } from "../../contract/names.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import type { Turn, TurnRecord } from "../../contract/turn.ts";
import type { LogEntry, TurnLog } from "../../contract/turn-log.ts";
import { type AgentRow, listAgents, requireAgent } from "../agents/agents.ts";
import { queuedFor } from "../broker/queues.ts";
import { readTurn, readTurns } from "../broker/turn-record.ts";
import type { Reader } from "../database/write.ts";
import { pageOf } from "./pages.ts";

export const isThere = ({ wish }: AgentRow): boolean => wish !== "destroyed";

export function agentList(reader: Reader, offset: number): string {
  const agents = listAgents(reader).filter(isThere);
  return pageOf([`Agents: ${agents.length}`], agents.map(agentLine), offset);
}

const agentLine = (row: AgentRow): string =>
  [`- ${row.name}: ${row.role}, ${row.state} since ${timeText(row.since)}`, row.problem].filter(Boolean).join(". ");

const turnsShown = 10;

/** @param threads what is open for it */
export function agentStatus(reader: Reader, name: string, threads: (agent: AgentName) => ThreadPage): string {
  const row = requireAgent(reader, name);
  const { totals } = threads(row.name);
  const { turns, more } = readTurns(reader, { agent: row.name, before: null, limit: turnsShown });
  const facts: [string, string | null][] = [
    ["role", row.role],
    ["wanted", row.wish],
    ["state", `${row.state} since ${timeText(row.since)}`],
    ["problem", row.problem],
    ["goes on at", row.retry_at === null || row.state !== "parked" ? null : timeText(row.retry_at)],
    ["version", row.deployment === null ? "none has run" : String(row.deployment)],
    ["main wants", row.wanted_tree === row.running_tree ? null : `another version, ${row.wanted_tree?.slice(0, 10)}`],
    ["runtime", row.runtime],
    ["turn", row.turn && shortTurnId(row.turn)],
    ["queued messages", String(queuedFor(reader, row.name).length)],
    ["dead letters", row.dead_letters > 0 ? `${row.dead_letters}, for the operator to see to` : null],
    ["failed turns in a row", row.failed_turns > 0 ? String(row.failed_turns) : null],
    ["open threads", `${totals.approval} approvals, ${totals.question} questions, ${totals.pr} pull requests`],
  ];
  const list =
    turns.length === 0 ? ["It has had no turn yet."] : ["Newest turns, for `agent_log`:", ...turns.map(turnLine)];
  return [
    row.name,
    ...facts.flatMap(([fact, value]) => (value === null ? [] : [`${fact}: ${value}`])),
    ...list,
    ...(more ? ["(there are older ones)"] : []),
  ].join("\n");
}

const turnLine = (turn: Turn): string =>
  [
    `- ${shortTurnId(turn.id)}: ${timeText(turn.startedAt)}`,
    turn.endedAt === null ? "runs" : `${turn.outcome?.replaceAll("_", " ")} after ${tookSeconds(turn)} s`,
    `${turn.messages} messages${turn.trigger ? `, begun by ${turn.trigger.from}` : ""}`,
    ...(turn.problem === null ? [] : [turn.problem.slice(0, 200)]),
  ].join(", ");

/** @throws Refusal `unknown_agent`, `unknown_turn`, `several_turns` */
export function findRecord(reader: Reader, { name, turn }: ToolArguments<"agent_log">): TurnRecord | undefined {
  const { name: agent } = requireAgent(reader, name);
  const id = turn ?? readTurns(reader, { agent, before: null, limit: 1 }).turns[0]?.id;
  return id === undefined ? undefined : readTurn(reader, agent, id);
}

/** @param log of the running turn, where the record has none yet */
export function turnReport({ turn, messages, log: kept }: TurnRecord, log: TurnLog | null, offset: number): string {
  const shown = kept ?? log;
  const began = messages.map(({ message, from, became }) => `message ${message} from ${from}: ${became}`);
  const gone = shown && shown.dropped > 0 ? [`(${shown.dropped} earlier entries are not kept)`] : [];
  const entries = shown ? shown.entries.flatMap(entryLines) : ["No log is kept of it."];
  return pageOf([`Turn of ${turn.agent}`, turnLine(turn)], [...began, ...gone, ...entries], offset);
}

function entryLines({ at, event }: LogEntry): string[] {
  const time = timeText(at).slice("2026-01-01T".length);
  if (event.kind === "tool") return [`${time} [${event.status}] ${event.title || event.id}`];
  const [first = "", ...rest] = event.text.trim().split("\n");
  return [`${time} ${event.kind === "thought" ? "(thought) " : ""}${first}`, ...rest];
}

const timeText = (at: number): string => `${new Date(at).toISOString().slice(0, "2026-01-01T00:00:00".length)}Z`;
const tookSeconds = ({ startedAt, endedAt }: Turn): string => (((endedAt ?? startedAt) - startedAt) / 1000).toFixed(1);
