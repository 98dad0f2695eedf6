/** Each tool of the agents to its verb, and every outcome to a text that a model can act on. */
import type { CallToolResult, Tool } from "@modelcontextprotocol/sdk/types.js";
import type { AgentRole } from "../../contract/agent.ts";
import type { LeasedEntry } from "../../contract/link.ts";
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import { isToolOf, type ToolArguments, type ToolName, toolList, tools } from "../../contract/tools.ts";
import { describe, isOutsideFault } from "../../daemon/fault.ts";
import { configOf, requireAgent } from "../agents/agents.ts";
import type { Receiver } from "../broker/lease.ts";
import { maxAnswerCharacters } from "../broker/limits.ts";
import type { OutsideReceiver } from "../broker/outside.ts";
import { send } from "../broker/send.ts";
import type { Core, Runner } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { agentList, agentStatus, findRecord, turnReport } from "./agent-reports.ts";
import type { Caller } from "./caller.ts";
import type { Docs } from "./docs.ts";
import { introduce } from "./introduce.ts";
import { offeredTo } from "./offered.ts";
import { parseArguments } from "./parse-arguments.ts";
import { openRateLimit } from "./rate-limit.ts";
import { threadList } from "./thread-list.ts";

export type ToolParts = {
  core: Core;
  recv: Receiver;
  recvOutside: OutsideReceiver;
  forgeUrl: string;
  runner: Runner;
  docs: Pick<Docs, "read">;
  /** ends what is held back */
  signal: AbortSignal;
  openThreads(reader: Reader, agent: AgentName, offset?: number): ThreadPage;
  ask(asker: AgentName, args: ToolArguments<"ask">): Promise<string>;
  answer(by: AgentName, args: ToolArguments<"answer">): Promise<unknown>;
  cancelQuestion(asker: AgentName, args: ToolArguments<"cancel_question">): Promise<unknown>;
  proposeAgent(proposer: AgentName, args: ToolArguments<"propose_agent">): Promise<string>;
  proposeConfig(proposer: AgentName, args: ToolArguments<"propose_config">): Promise<string>;
  proposeDecision(proposer: AgentName, args: ToolArguments<"propose_decision">): Promise<string>;
  restartAgent(by: AgentName, wanted: { agent: AgentName; now: boolean }): Promise<string>;
  rebuildAgent(by: AgentName, agent: AgentName): Promise<string>;
};

type Verb<Arguments> = (caller: Caller, args: Arguments, cancelled: AbortSignal) => string | Promise<string>;
type Verbs = { [Name in ToolName]: Verb<ToolArguments<Name>> };

export type AgentTools = {
  /** Those of the caller's role, which is looked up each time, as it may change. */
  list(caller: Caller): Tool[];
  /**
   * Calls a tool for an agent: never rejects, as every outcome is an answer to the model.
   * @param cancelled aborted when nobody waits for the answer any more
   */
  call(caller: Caller, name: string, args: unknown, cancelled: AbortSignal): Promise<CallToolResult>;
};

export function openTools(parts: ToolParts): AgentTools {
  const { core } = parts;
  const verbs = verbsOf(parts);
  const countCall = openRateLimit(core.clock, parts.signal);
  return {
    list: ({ agent, launch }) => offeredTo(core.db.read((reader) => requireAgent(reader, agent)).role, launch === null),
    async call(caller, name, args, cancelled) {
      try {
        const agent = core.db.read((reader) => requireAgent(reader, caller.agent));
        await countCall(agent.name, configOf(agent)?.budgets.tool_calls_per_minute ?? callsBeforeConfig);
        const tool = requireTool(name, agent.role);
        const verb = verbs[tool] as Verb<unknown>;
        return answer(await verb(caller, parseArguments(tool, args, caller.launch === null), cancelled));
      } catch (error) {
        return { ...answer(shorten(explain(core, caller, name, error))), isError: true };
      }
    },
  };
}

/** Of an agent whose first version is being prepared, which is not there to call. */
const callsBeforeConfig = 10;

/** Each verb keeps its answer short, in pages where there is more; what is JSON is not cut. */
const answer = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });

const cutNote = "\n(cut here: the whole was too long)";

const shorten = (text: string): string =>
  text.length <= maxAnswerCharacters ? text : text.slice(0, maxAnswerCharacters - cutNote.length) + cutNote;

/** What a model does next, where the verb is one of people's, too, and names what they use. */
const nextByTools: Record<string, string> = {
  unknown_agent: "Look at `list_agents`.",
  unknown_turn: "Look at `agent_status`, which has the ids of its newest turns.",
};

function explain(core: Core, { agent }: Caller, tool: string, error: unknown): string {
  if (error instanceof Refusal) return `${error.message} ${nextByTools[error.code] ?? error.next}`;
  if (isOutsideFault(error))
    return `${tool} could not be carried out just now: ${describe(error)}. Try again in a moment.`;
  core.log.error({ err: error, agent, tool }, "a tool failed");
  return `Something went wrong inside ${tool}; the hive has it in its log. Try again once, then tell the operator.`;
}

function verbsOf(parts: ToolParts): Verbs {
  const { core } = parts;
  return {
    whoami: (caller) => core.db.read((reader) => introduce(reader, caller, parts)),
    async send({ agent }, { to, body, in_reply_to, client_id }) {
      const { id, note } = await send(core, { from: agent, to, body, inReplyTo: in_reply_to, clientId: client_id });
      return `Sent as message ${id}. ${note}`.trim();
    },
    async recv({ agent, launch }, { limit, wait_seconds, handled = [] }, cancelled) {
      const waitMs = wait_seconds * 1000;
      if (launch === null) {
        const { entries, more, unknown } = await parts.recvOutside({ agent, limit, waitMs, handled, cancelled });
        const note = unknown.length > 0 ? `You do not hold ${unknown.join(", ")}, or not any more.` : undefined;
        return JSON.stringify({ messages: entries.map(toRow), more, note });
      }
      const { entries, more, oversized } = await parts.recv({ agent, launch, limit, waitMs, cancelled });
      const note = oversized
        ? "The next message is too long for this answer: it comes with your next turn."
        : undefined;
      return JSON.stringify({ messages: entries.map(toRow), more, note });
    },
    ask: ({ agent }, args) => parts.ask(agent, args),
    async answer({ agent }, args) {
      await parts.answer(agent, args);
      return `Question ${args.question} is answered, and its asker is told.`;
    },
    async cancel_question({ agent }, args) {
      await parts.cancelQuestion(agent, args);
      return `Question ${args.question} is cancelled.`;
    },
    get_open_threads: ({ agent }, { offset }) =>
      threadList(
        core.db.read((reader) => parts.openThreads(reader, agent, offset)),
        { now: core.clock.now(), forgeUrl: parts.forgeUrl, offset },
      ),
    list_agents: (_, { offset }) => core.db.read((reader) => agentList(reader, offset)),
    read_docs: (_, args) => parts.docs.read(args),
    propose_agent: ({ agent }, args) => parts.proposeAgent(agent, args),
    propose_config: ({ agent }, args) => parts.proposeConfig(agent, args),
    propose_decision: ({ agent }, args) => parts.proposeDecision(agent, args),
    agent_status: (_, { name }) =>
      core.db.read((reader) => agentStatus(reader, name, (agent) => parts.openThreads(reader, agent))),
    async agent_log(_, args) {
      const record = core.db.read((reader) => findRecord(reader, args));
      if (!record) return `${args.name} has had no turn yet.`;
      const { turn, log } = record;
      const running =
        log ?? (turn.endedAt === null ? (await parts.runner.call("readTurnLog", { turn: turn.id })).log : null);
      return turnReport(record, running, args.offset);
    },
    restart_agent: ({ agent }, { name, now }) => parts.restartAgent(agent, { agent: requireName(core, name), now }),
    rebuild_agent: ({ agent }, { name }) => parts.rebuildAgent(agent, requireName(core, name)),
  };
}

const requireName = (core: Core, name: string): AgentName => core.db.read((reader) => requireAgent(reader, name)).name;

const toRow = ({ message, from, body, sentAt, inReplyTo, redelivered, broadcast }: LeasedEntry) => ({
  id: message,
  from,
  sent_at: new Date(sentAt).toISOString(),
  ...(inReplyTo !== null && { in_reply_to: inReplyTo }),
  ...(redelivered && { redelivered: "you may have seen this before" }),
  ...(broadcast && { broadcast: "this was a broadcast and may not need any action from you" }),
  body,
});

function requireTool(name: string, role: AgentRole): ToolName {
  const tool = Object.hasOwn(tools, name) ? (tools[name as ToolName] as { role?: AgentRole }) : undefined;
  if (tool && isToolOf(role, tool)) return name as ToolName;
  if (tool)
    throw new Refusal("tool_not_yours", `"${name}" is a tool of the ${tool.role}.`, `Ask the ${tool.role} to call it.`);
  const own = toolList.filter((one) => isToolOf(role, one)).map((one) => one.name);
  throw new Refusal("unknown_tool", `There is no tool "${name}".`, `There are: ${own.join(", ")}.`);
}
