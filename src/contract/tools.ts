/** The agents' tools: their names, what a model reads about them, and their arguments. Results are text. */
import { z } from "zod";
import type { AgentRole } from "./agent.ts";
import { MessageId } from "./names.ts";

const clientId = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe("any id of yours; a call repeated with the same one is carried out once");

const offset = z
  .number()
  .int()
  .min(0)
  .max(1_000_000)
  .default(0)
  .describe("go on from there, as the answer before said");
const agent = z.string().describe("its name");
const reason = z.string().min(1).max(5_000).describe("why, for the operator");
const question = z.number().int().positive().describe("its number");

/** Clients of MCP give a call up after a minute. */
const maxWaitSeconds = 50;

const received = z.strictObject({
  limit: z.number().int().min(1).max(20).default(10),
  wait_seconds: z
    .number()
    .int()
    .min(0)
    .max(maxWaitSeconds)
    .default(0)
    .describe("how long to wait while there is none; to end your turn is cheaper"),
});

/** Whoever has a turn is done with its messages at the end of that. */
const handled = z
  .array(MessageId)
  .max(100)
  .default([])
  .describe("ids of messages that you are done with; what you do not name within ten minutes comes again");

type Tool = {
  description: string;
  input: z.ZodObject;
  /** what it takes of a client outside of a sandbox, where that is more */
  outside?: z.ZodObject;
  /** it only looks: called again after a lost answer, it does no harm */
  readOnly?: true;
  /** called again with the same, it changes nothing more */
  idempotent?: true;
  /** whom it is there for; left out: everybody */
  role?: AgentRole;
};

export const tools = {
  whoami: {
    description: "Who you are here: name, role, directories, the forge's address, your limits, your peers.",
    input: z.strictObject({}),
    readOnly: true,
  },
  send: {
    description:
      "Send a message. It is stored before this returns, and delivered even if the recipient is stopped. Put anything long into a file under /shared.",
    input: z.strictObject({
      to: z.string().describe("an agent's name, `manager`, `operator` or `*` (all agents)"),
      body: z.string().describe("plain text"),
      in_reply_to: MessageId.optional().describe("the id of the message that you answer"),
      client_id: clientId,
    }),
  },
  recv: {
    description: "Fetch messages that came during this turn; those that woke you are in your prompt already.",
    input: received,
    outside: received.extend({ handled }),
  },
  ask: {
    description: "Ask a question, as an issue on the forge. Do not wait: the answer comes as a message later.",
    input: z.strictObject({
      to: z.string().describe("`operator`, `manager` or an agent's name"),
      question: z.string().min(1).max(2_000),
      options: z.array(z.string().min(1).max(200)).max(20).default([]).describe("answers to choose from"),
      multi: z.boolean().default(false).describe("whether several may be chosen"),
      deadline: z
        .string()
        .max(100)
        .optional()
        .describe("when it closes unanswered: `90m`, `2h`, `3d`, or a moment of ISO 8601"),
      context: z.string().min(1).max(8_000).optional().describe("what one has to know to answer"),
      client_id: clientId,
    }),
  },
  answer: {
    description: "Answer a question that you were asked. Its asker is told, and it is closed.",
    input: z.strictObject({
      question,
      answer: z
        .string()
        .max(20_000)
        .describe("where there are options: the first line is the text or number of one (several: with commas)"),
    }),
  },
  cancel_question: {
    description: "Cancel a question that you asked.",
    input: z.strictObject({ question }),
  },
  get_open_threads: {
    description: "What still waits for you, or you for it: approvals, questions, pull requests; oldest first.",
    input: z.strictObject({ offset }),
    readOnly: true,
  },
  list_agents: {
    description: "The agents of this hive, and what each is doing.",
    input: z.strictObject({ offset }),
    readOnly: true,
  },
  read_docs: {
    description:
      "Read org-shared/docs, the hive's own handbook. Neither path nor query: lists its files. Look here before you ask.",
    input: z.strictObject({
      path: z.string().max(1_000).optional().describe("a file to read, or a directory to search"),
      query: z.string().max(200).optional().describe("words; finds the files that have all of them"),
      offset,
    }),
    readOnly: true,
  },
  propose_agent: {
    description:
      "Propose a new agent: a pull request on hive/agents that the operator reviews. A message tells you the outcome.",
    input: z.strictObject({
      name: z.string().describe("2 to 31 characters: lower-case letters, digits, single dashes"),
      agent_yaml: z.string().describe("content of its agent.yaml"),
      prompt: z.string().describe("content of its AGENTS.md: what it is for, how it works"),
      files: z.record(z.string(), z.string()).default({}).describe("more files, path to content, such as skills"),
      reason,
    }),
    idempotent: true,
  },
  propose_config: {
    description:
      "Propose a change of an agent, yourself or another, reviewed as in `propose_agent`. What you leave out stays.",
    input: z.strictObject({
      name: agent,
      agent_yaml: z.string().optional().describe("new content of its agent.yaml"),
      prompt: z.string().optional().describe("new content of its AGENTS.md"),
      files: z
        .record(z.string(), z.string().nullable())
        .default({})
        .describe("more files, path to new content; null removes"),
      reason,
    }),
    idempotent: true,
  },
  propose_decision: {
    description: "Propose a decision for the record, decisions/<slug>.md, reviewed as in `propose_agent`.",
    input: z.strictObject({
      slug: z.string().describe("lower-case letters, digits, single dashes"),
      text: z.string().min(1).describe("what is decided and why, in Markdown"),
      reason,
    }),
    idempotent: true,
  },
  agent_status: {
    description: "How an agent is: state, version, inbox, trouble, newest turns.",
    input: z.strictObject({ name: agent }),
    readOnly: true,
    role: "manager",
  },
  agent_log: {
    description: "What an agent did in a turn.",
    input: z.strictObject({
      name: agent,
      turn: z.string().max(100).optional().describe("its id in `agent_status`; left out: the newest"),
      offset,
    }),
    readOnly: true,
    role: "manager",
  },
  restart_agent: {
    description: "Start an agent's process anew after its running turn. Its conversation and messages are kept.",
    input: z.strictObject({
      name: agent,
      now: z.boolean().default(false).describe("cuts its turn off, whose messages are queued again"),
    }),
    role: "manager",
  },
  rebuild_agent: {
    description:
      "Make an agent anew from `main` of hive/agents, as when its newest version failed to start; then restart.",
    input: z.strictObject({ name: agent }),
    role: "manager",
  },
} as const satisfies Record<string, Tool>;

/** The same by name, for what asks about any of them. */
export const toolList = Object.entries<Tool>(tools).map(([name, tool]) => ({ name, ...tool }));

/** Whether somebody of a role has a tool. */
export const isToolOf = (role: AgentRole, tool: Pick<Tool, "role">): boolean =>
  tool.role === undefined || tool.role === role;

/** What a client is told of the server: a coding agent cuts it at about two thousand characters. */
export const toolInstructions =
  "You are one of several agents of a hive. Answer messages by `send` with `in_reply_to`: what you merely write here, nobody else reads. " +
  "Mail that woke you is in your prompt; `recv` fetches what came since. " +
  "Never wait for an answer: end your turn, and it wakes you. " +
  "What needs the operator's consent is proposed by `propose_agent`, `propose_config` or `propose_decision`.";

export type ToolName = keyof typeof tools;
export type ToolArguments<Name extends ToolName> = (typeof tools)[Name] extends {
  outside: infer Outside extends z.ZodType;
}
  ? z.output<(typeof tools)[Name]["input"]> & Partial<z.output<Outside>>
  : z.output<(typeof tools)[Name]["input"]>;

/** What a tool takes of a caller. */
export const inputOf = ({ input, outside }: Pick<Tool, "input" | "outside">, isOutside: boolean): z.ZodObject =>
  (isOutside ? outside : undefined) ?? input;
