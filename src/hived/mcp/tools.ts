/** Each tool of the agents to its verb, and every outcome to a text that a model can act on. */
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { z } from "zod";
import type { LeasedEntry } from "../../contract/link.ts";
import type { AgentName, EpochMs, LaunchId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { type ToolArguments, type ToolName, tools } from "../../contract/tools.ts";
import { describe, isOutsideFault } from "../../daemon/fault.ts";
import { listAgents, requireAgent } from "../agents/agents.ts";
import type { Receiver } from "../broker/lease.ts";
import { maxAnswerCharacters } from "../broker/limits.ts";
import { send } from "../broker/send.ts";
import type { Core, Runner } from "../core.ts";
import type { Reader } from "../database/write.ts";
import { directoriesOf } from "./directories.ts";

export type ToolParts = {
  core: Core;
  recv: Receiver;
  forgeUrl: string;
  runner: Pick<Runner, "place">;
  openThreads(reader: Reader, agent: AgentName): ThreadPage;
  ask(asker: AgentName, args: ToolArguments<"ask">): Promise<string>;
  answer(by: AgentName, args: ToolArguments<"answer">): Promise<unknown>;
  cancelQuestion(asker: AgentName, args: ToolArguments<"cancel_question">): Promise<unknown>;
  proposeAgent(proposer: AgentName, args: ToolArguments<"propose_agent">): Promise<string>;
};

/** Who calls is known from the socket that was called. */
export type Caller = { agent: AgentName; launch: LaunchId };

type Tools = { [Name in ToolName]: (caller: Caller, args: ToolArguments<Name>) => string | Promise<string> };

/** Calls a tool for an agent: never rejects, as every outcome is an answer to the model. */
export type CallTool = (caller: Caller, name: string, args: unknown) => Promise<CallToolResult>;

export function openTools(parts: ToolParts): CallTool {
  const verbs = verbsOf(parts);
  return async (caller, name, args) => {
    try {
      const tool = requireTool(name);
      const verb = verbs[tool] as (caller: Caller, args: unknown) => string | Promise<string>;
      return answer(await verb(caller, parseArguments(tool, args)));
    } catch (error) {
      return { ...answer(explain(parts.core, caller, name, error)), isError: true };
    }
  };
}

const answer = (text: string): CallToolResult => ({ content: [{ type: "text", text: shorten(text) }] });

const cutNote = "\n(cut here: the whole was too long)";

const shorten = (text: string): string =>
  text.length <= maxAnswerCharacters ? text : text.slice(0, maxAnswerCharacters - cutNote.length) + cutNote;

function explain(core: Core, { agent }: Caller, tool: string, error: unknown): string {
  if (error instanceof Refusal) return `${error.message} ${error.next}`;
  if (isOutsideFault(error))
    return `${tool} could not be carried out just now: ${describe(error)}. Try again in a moment.`;
  core.log.error({ err: error, agent, tool }, "a tool failed");
  return `Something went wrong inside ${tool}; the hive has it in its log. Try again once, then tell the operator.`;
}

function verbsOf(parts: ToolParts): Tools {
  const { core } = parts;
  return {
    whoami: ({ agent }) => core.db.read((reader) => introduce(reader, agent, parts)),
    async send({ agent }, { to, body, in_reply_to, client_id }) {
      const { id, note } = await send(core, { from: agent, to, body, inReplyTo: in_reply_to, clientId: client_id });
      return `Sent as message ${id}. ${note}`.trim();
    },
    async recv(caller, { limit, wait_seconds }) {
      const { entries, more, oversized } = await parts.recv({ ...caller, limit, waitMs: wait_seconds * 1000 });
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
    get_open_threads: ({ agent }) =>
      threadList(
        core.db.read((reader) => parts.openThreads(reader, agent)),
        { agent, now: core.clock.now(), forgeUrl: parts.forgeUrl },
      ),
    propose_agent: ({ agent }, args) => parts.proposeAgent(agent, args),
  };
}

function introduce(reader: Reader, name: AgentName, parts: ToolParts): string {
  const agent = requireAgent(reader, name);
  const peers = listAgents(reader).filter((row) => row.name !== name && row.wish !== "destroyed");
  const lines = [
    `You are ${name}, ${agent.role === "manager" ? "the manager" : "a worker"} of this hive. ${name} is your address and your forge user.`,
    ...directoriesOf(agent, parts.runner.place(), parts.forgeUrl).map(
      ({ variable, path, use }) => `${path} ($${variable}): ${use}`,
    ),
    `The forge: ${parts.forgeUrl}`,
    "You can write to: operator, manager, * (all agents), and the agents below as far as your agent.yaml allows.",
    ...peers.map((row) => `- ${row.name} (${row.role}, ${row.state})`),
  ];
  return lines.join("\n");
}

const toRow = ({ message, from, body, sentAt, inReplyTo, redelivered, broadcast }: LeasedEntry) => ({
  id: message,
  from,
  sent_at: new Date(sentAt).toISOString(),
  ...(inReplyTo !== null && { in_reply_to: inReplyTo }),
  ...(redelivered && { redelivered: "you may have seen this before" }),
  ...(broadcast && { broadcast: "this was a broadcast and may not need any action from you" }),
  body,
});

/** One row a line, as many of the oldest as fit; `totals` counts those that do not, too, and `rest` says where they are. */
function threadList({ threads, totals }: ThreadPage, { agent, now, forgeUrl }: ThreadReader): string {
  const lines = threads.map((thread) => JSON.stringify(toThreadRow(thread, agent, now)));
  const all = totals.approval + totals.question + totals.pr;
  const endAfter = (shown: number) => {
    const rest = `${all - shown} newer ones: ${forgeUrl}/pulls and ${forgeUrl}/issues`;
    return `\n], "totals": ${JSON.stringify(totals)}${shown < all ? `, "rest": ${JSON.stringify(rest)}` : ""}}`;
  };
  let room = maxAnswerCharacters - endAfter(0).length - '{"threads": ['.length;
  const fitting = lines.findIndex((line) => {
    room -= line.length + ",\n".length;
    return room < 0;
  });
  const shown = fitting === -1 ? lines.length : fitting;
  return `{"threads": [\n${lines.slice(0, shown).join(",\n")}${endAfter(shown)}`;
}

type ThreadReader = { agent: AgentName; now: EpochMs; forgeUrl: string };

function toThreadRow({ owner, openedAt, ...thread }: Thread, agent: AgentName, now: EpochMs) {
  return { ...thread, ...(owner !== agent && { owner }), age_seconds: Math.floor((now - openedAt) / 1000) };
}

function requireTool(name: string): ToolName {
  if (Object.hasOwn(tools, name)) return name as ToolName;
  throw new Refusal("unknown_tool", `There is no tool "${name}".`, `There are: ${Object.keys(tools).join(", ")}.`);
}

function parseArguments(name: ToolName, args: unknown): unknown {
  const { input } = tools[name];
  const parsed = input.safeParse(args ?? {});
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => {
    const isMissing = message.endsWith("received undefined");
    return `\`${path.join(".") || "arguments"}\` ${isMissing ? "is missing" : `is wrong (${message})`}`;
  });
  throw new Refusal("bad_arguments", `${name} was not called: ${problems.join("; ")}.`, `It takes: ${takes(input)}.`);
}

/** A tool's arguments in a sentence. */
const takes = (input: z.ZodObject): string =>
  Object.entries(input.shape)
    .map(([key, schema]) => {
      const isOptional = (schema as z.ZodType).safeParse(undefined).success;
      const { description } = schema as z.ZodType;
      return `${key}${isOptional ? " (may be left out)" : ""}${description ? `, ${description}` : ""}`;
    })
    .join("; ") || "no arguments";
