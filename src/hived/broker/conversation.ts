/**
 * What the operator does to an agent at once. Nothing of it is kept here: the runner does it or refuses it, and the page
 * learns from events what came of it.
 *
 *   idle → parked (what is done to its conversation, until when at the latest) → idle
 */

import { isUp } from "../../contract/agent.ts";
import type { ConversationChange } from "../../contract/conversation.ts";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, EpochMs, LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { type AgentRow, changeAgent, configOf, findAgent, notUp, requireAgent } from "../agents/agents.ts";
import type { Core, Runner } from "../core.ts";
import { note, noteIn } from "../events/note.ts";
import { enqueueWake } from "./waiters.ts";

type Parts = { core: Core; runner: Pick<Runner, "call"> };

/**
 * Ends an agent's running turn, step by step.
 * @param requeues whether the turn's messages are queued again; else they are given up, as cancelled
 * @throws Refusal when it is in no turn; Fault without a runner
 */
export async function cancelTurn({ core, runner }: Parts, agent: AgentName, requeues: boolean): Promise<void> {
  const { turn } = core.db.read((reader) => requireAgent(reader, agent));
  if (turn === null)
    throw new Refusal("no_turn", `${agent} is in no turn.`, "What is queued for it can be cancelled by itself.");
  await runner.call("cancelTurn", { turn, requeues });
  const what = requeues ? "its messages are queued again" : "its messages are given up";
  await note(core, `The operator cancelled the turn of ${agent}: ${what}.`);
}

/** A coding agent that makes its conversation smaller may take minutes: the caller hears at once, and the log tells the rest. */
const answerWithinMs = 5_000;

/**
 * Changes the conversation of an agent that is in no turn; it gets none meanwhile. Resolves when it is done, or takes long.
 * @throws Refusal in a turn, without a process, and where its coding agent has no such thing; Fault without a runner
 */
export async function changeConversation(parts: Parts, agent: AgentName, change: ConversationChange): Promise<void> {
  const answered = new AbortController();
  const changed = carryOut(parts, agent, change);
  try {
    await Promise.race([changed, parts.core.clock.wait(answerWithinMs, answered.signal)]);
  } finally {
    answered.abort();
  }
}

async function carryOut({ core, runner }: Parts, agent: AgentName, change: ConversationChange): Promise<void> {
  const held = await core.db.write((tx) => {
    const row = requireAgent(tx, agent);
    const launch = requireLoop(row);
    const until = (core.clock.now() + longestMs(row)) as EpochMs;
    if (row.state !== "idle") return { launch, until: null }; // parked for another reason, which goes on
    changeAgent(tx, core, agent, { state: "parked", problem: doing[change.kind], retry_at: until });
    enqueueWake(tx, core, agent, until); // should hived be killed meanwhile
    return { launch, until };
  });
  const goOn = (said: string, session?: string | null) =>
    core.db.write((tx) => {
      const row = findAgent(tx, agent);
      const isOurs = held.until !== null && row?.state === "parked" && row.retry_at === held.until;
      if (row?.launch === held.launch && session !== undefined) changeAgent(tx, core, agent, { session });
      if (isOurs) changeAgent(tx, core, agent, { state: "idle", problem: null, retry_at: null });
      noteIn(tx, core, said);
    });
  try {
    const { session, model } = await runner.call("changeConversation", { launch: held.launch, change });
    await goOn(done(agent, change, model), session);
  } catch (error) {
    if (!(error instanceof Refusal) && !(error instanceof Fault))
      core.log.error({ err: error, agent }, "a change of a conversation failed");
    await goOn(`The operator asked in vain for ${wanted[change.kind]} of ${agent}: ${(error as Error).message}`);
    throw error;
  }
}

/** As long as a turn may take: that is what the runner allows the coding agent for it, too. */
const longestMs = (row: AgentRow): number => (configOf(row)?.limits.turn_minutes ?? 60) * 60_000;

const doing: Record<ConversationChange["kind"], string> = {
  compact: "Its conversation is being made smaller.",
  model: "Its model is being changed.",
  new: "A new conversation is being begun.",
};
const wanted: Record<ConversationChange["kind"], string> = {
  compact: "a smaller conversation",
  model: "another model",
  new: "a new conversation",
};

function done(agent: AgentName, change: ConversationChange, model: string | null): string {
  if (change.kind === "compact") return `The operator had ${agent} make its conversation smaller.`;
  if (change.kind === "new") return `The operator had ${agent} begin a new conversation.`;
  return `The operator chose model ${model ?? change.model} for ${agent}, from its next turn on.`;
}

function requireLoop(row: AgentRow): LaunchId {
  if (row.turn !== null)
    throw new Refusal("in_turn", `${row.name} is in a turn.`, "Wait for the end of the turn, or cancel it first.");
  if (row.launch === null || !isUp(row)) throw notUp(row, "process");
  return row.launch;
}
