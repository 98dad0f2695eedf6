/** `hive turns`: what an agent's turns came to, and one of them whole. */
import { AgentName, shortTurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { isOwnTurn, type Turn, type TurnMessage, type TurnRecord } from "../../contract/turn.ts";
import type { LogEntry } from "../../contract/turn-log.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine, timeText } from "../line.ts";
import { withHived } from "../up/reach.ts";

type Options = { home?: string; json?: boolean; limit: number };

/** Shows an agent's newest turns, or one of them. @throws Refusal `not_running`, `bad_name`, or as hived says it */
export async function turns(agent: string, turn: string | undefined, options: Options): Promise<number> {
  const name = parseAgent(agent);
  const print = (text: string, value: unknown) =>
    process.stdout.write(options.json ? `${JSON.stringify(value, null, 2)}\n` : text);
  return withHived(options, async (hived) => {
    if (turn === undefined) {
      const page = await hived.readTurns({ agent: name, limit: options.limit });
      print(turnsText(name, page), page);
    } else {
      const record = await hived.readTurn({ agent: name, turn });
      print(turnText(record), record);
    }
    return exitCodes.ok;
  });
}

/** @throws Refusal `bad_name` */
export function parseAgent(text: string): AgentName {
  const { success, data, error } = AgentName.safeParse(text);
  if (success) return data;
  throw new Refusal("bad_name", `"${text}" is no agent: ${error.issues[0]?.message}.`, "Look at `hive status`.");
}

export function turnsText(agent: AgentName, { turns: rows, more }: { turns: readonly Turn[]; more: boolean }): string {
  if (rows.length === 0) return `${agent} has had no turn yet.\n`;
  const head = ["turn", "started", "took", "outcome", "messages", "tokens", "cost", "begun by", "problem"];
  const next = `\`hive turns ${agent} TURN\` shows one whole.${more ? " There are older ones: --limit." : ""}`;
  return `${columns([head, ...rows.map(rowOf)]).join("\n")}\n\n${next}\n`;
}

const rowOf = (turn: Turn) => [
  shortTurnId(turn.id),
  timeText(turn.startedAt),
  tookText(turn),
  outcomeText(turn),
  String(turn.messages),
  tokensText(turn),
  costText(turn),
  turn.trigger?.from ?? (isOwnTurn(turn) ? "itself" : ""),
  turn.problem === null ? "" : oneLine(turn.problem, 60),
];

const tookText = ({ startedAt, endedAt }: Turn) =>
  endedAt === null ? "" : `${((endedAt - startedAt) / 1000).toFixed(1)} s`;
const outcomeText = ({ outcome }: Turn) => outcome?.replaceAll("_", " ") ?? "runs";
const tokensText = ({ usage, evidence }: Turn) =>
  [usage.inputTokens, evidence?.outputTokens ?? null].every((count) => count === null)
    ? ""
    : `${usage.inputTokens ?? "?"} in, ${evidence?.outputTokens ?? "?"} out`;
const costText = ({ usage: { costUsd } }: Turn) => (costUsd === null ? "" : `$${costUsd.toFixed(4)}`);

export function turnText({ turn, messages, log }: TurnRecord): string {
  const facts: [string, string | null][] = [
    ["turn", turn.id],
    ["agent", turn.agent],
    ["started", timeText(turn.startedAt)],
    ["ended", turn.endedAt === null ? "it runs" : `${timeText(turn.endedAt)}, after ${tookText(turn)}`],
    ["outcome", turn.outcome && [outcomeText(turn), turn.problem].filter(Boolean).join(": ")],
    ["evidence", turn.evidence && `${turn.evidence.outputs} outputs of the model`],
    ["tokens", tokensText(turn) || null],
    ["cost", costText(turn) || null],
    ["model", turn.usage.model],
    ["session", turn.session],
    ["launch", turn.launch],
  ];
  const known = facts.flatMap(([name, value]) => (value === null ? [] : [[name, oneLine(value, 500)]]));
  const sections = [
    columns(known),
    messages.length > 0 ? ["messages", ...columns(messages.map(messageRow)).map(indented)] : [],
    logLines(turn, log),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const indented = (line: string) => `  ${line}`;

const messageRow = ({ entry, from, isTrigger, became, now }: TurnMessage) => [
  `entry ${entry}`,
  `from ${from}`,
  isTrigger ? "began it" : "fetched",
  became === "leased" ? "in the turn" : became,
  now && now.delivery.state !== became ? `now ${now.delivery.state}` : "",
  now ? oneLine(now.beginning, 60) : "(forgotten)",
];

function logLines({ endedAt }: Turn, log: TurnRecord["log"]): string[] {
  if (log === null)
    return [endedAt === null ? "It shows what it does on its page of the dashboard." : "No log is kept of it."];
  const gone = log.dropped > 0 ? [`(${log.dropped} earlier entries are not kept)`] : [];
  return ["log", ...[...gone, ...log.entries.flatMap(entryLines)].map(indented)];
}

function entryLines({ at, event }: LogEntry): string[] {
  const time = timeText(at).slice("2026-01-01 ".length);
  if (event.kind === "tool")
    return [`${time}  [${oneLine(event.status, 20)}] ${oneLine(event.title || event.id, 200)}`];
  const lines = event.text.trim().split("\n");
  return lines.map((line, index) => `${index === 0 ? time : " ".repeat(time.length)}  ${oneLine(line, 500)}`);
}
