/** A turn's record as somebody reads it: its row, its messages with their deliveries, its log. */
import type { AgentName, TurnId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Turn, TurnRecord } from "../../contract/turn.ts";
import { requireAgent } from "../agents/agents.ts";
import type { Reader } from "../database/write.ts";
import { findWithBeginning } from "./inbox.ts";
import { findLog, heldAtEnd, heldIn, toHeld, turnsBeginningWith, turnsOf } from "./turns.ts";

/** @throws Refusal `unknown_agent` */
export function readTurns(
  reader: Reader,
  { agent, before, limit }: { agent: AgentName; before: TurnId | null; limit: number },
): { turns: Turn[]; more: boolean } {
  requireAgent(reader, agent);
  const turns = turnsOf(reader, { agent, before, limit: limit + 1 });
  return { turns: turns.slice(0, limit), more: turns.length > limit };
}

/**
 * @param beginning of its id, with `turn-` or without
 * @throws Refusal `unknown_agent`, `unknown_turn`, `several_turns`
 */
export function readTurn(reader: Reader, agent: AgentName, beginning: string): TurnRecord {
  const turn = requireTurn(reader, requireAgent(reader, agent).name, beginning);
  const held =
    heldAtEnd(reader, turn.id) ?? heldIn(reader, turn.id).map((entry) => toHeld(entry, entry.from, entry.mark));
  const messages = held.map((message) => ({ ...message, now: findWithBeginning(reader, message.entry) ?? null }));
  return { turn, messages, log: findLog(reader, turn.id) };
}

const shortest = 4;

function requireTurn(reader: Reader, agent: AgentName, beginning: string): Turn {
  const digits = beginning.replace(/^turn-/, "");
  const isId = digits.length >= shortest && /^[0-9a-f]+$/.test(digits);
  const [found, other] = isId ? turnsBeginningWith(reader, agent, `turn-${digits}`) : [];
  if (found && !other) return found;
  if (found)
    throw new Refusal("several_turns", `Several turns of ${agent} begin with "${digits}".`, "Give more of its id.");
  throw new Refusal(
    "unknown_turn",
    `${agent} has no turn "${beginning.slice(0, 100)}", or its record is not kept any more.`,
    `Look at \`hive turns ${agent}\`; ${shortest} characters of an id or more are enough.`,
  );
}
