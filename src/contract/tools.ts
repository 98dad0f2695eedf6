/** The agents' tools: their names, what a model reads about them, and their arguments. Results are text. */
import { z } from "zod";
import { MessageId } from "./names.ts";

const clientId = z
  .string()
  .min(1)
  .max(100)
  .optional()
  .describe("any id of yours; a call repeated with the same one is carried out once");

/** Clients of MCP give a call up after a minute. */
const maxWaitSeconds = 50;

type Tool = {
  description: string;
  input: z.ZodObject;
  /** it only looks: called again after a lost answer, it does no harm */
  readOnly?: true;
};

export const tools = {
  whoami: {
    description: "Who you are here: your name and role, your directories, the forge's address, and your peers.",
    input: z.object({}),
    readOnly: true,
  },
  send: {
    description:
      "Send a message to another agent, to `manager`, to `operator`, or to `*` (all agents). It is stored before this returns and is delivered even if the recipient is stopped.",
    input: z.object({
      to: z.string().describe("an agent's name, `manager`, `operator` or `*`"),
      body: z.string().describe("plain text; put anything long into a file under /shared and name it here"),
      in_reply_to: MessageId.optional().describe("the id of the message that you answer"),
      client_id: clientId,
    }),
  },
  recv: {
    description:
      "Fetch more messages that have arrived for you during this turn. Those that woke you are already in your prompt.",
    input: z.object({
      limit: z.number().int().min(1).max(20).default(10),
      wait_seconds: z
        .number()
        .int()
        .min(0)
        .max(maxWaitSeconds)
        .default(0)
        .describe("how long to wait for a message when there is none; ending your turn is cheaper than waiting often"),
    }),
  },
  ask: {
    description:
      "Ask the operator or another agent a question, as an issue on the forge. You are not kept waiting: the answer arrives later as a message.",
    input: z.object({
      to: z.string().describe("`operator`, `manager` or an agent's name"),
      question: z.string().min(1).max(2_000),
      options: z
        .array(z.string().min(1).max(200))
        .max(20)
        .default([])
        .describe("answers to choose from, if there are any"),
      multi: z.boolean().default(false).describe("whether several options may be chosen"),
      deadline: z
        .string()
        .max(100)
        .optional()
        .describe("when it is closed if nobody has answered: `90m`, `2h`, `3d` from now, or a moment of ISO 8601"),
      context: z.string().min(1).max(8_000).optional().describe("what one has to know to answer it"),
      client_id: clientId,
    }),
  },
  answer: {
    description: "Answer a question that you were asked. Who asked is told by a message, and the question is closed.",
    input: z.object({
      question: z.number().int().positive().describe("its number"),
      answer: z
        .string()
        .max(20_000)
        .describe(
          "your answer; where there are options, the first line is the text or the number of one (several: with commas)",
        ),
    }),
  },
  cancel_question: {
    description: "Cancel a question that you have asked and need no answer to any more.",
    input: z.object({ question: z.number().int().positive().describe("its number") }),
  },
  get_open_threads: {
    description:
      "Everything that still waits for you or that you wait for: approvals, questions, pull requests; oldest first.",
    input: z.object({}),
    readOnly: true,
  },
  propose_agent: {
    description:
      "Propose a new agent: opens a pull request on hive/agents that the operator reviews. You are told the outcome by a message.",
    input: z.object({
      name: z.string().describe("2 to 31 characters: lower-case letters, digits, single dashes"),
      agent_yaml: z.string().describe("the content of its agent.yaml"),
      prompt: z.string().describe("the content of its AGENTS.md: what it is for and how it works"),
      files: z
        .record(z.string(), z.string())
        .default({})
        .describe("further files of its directory, path to content, such as a skill"),
      reason: z.string().describe("why it is wanted, for the operator"),
    }),
  },
} as const satisfies Record<string, Tool>;

/** The same by name, for what asks about any of them. */
export const toolList = Object.entries<Tool>(tools).map(([name, tool]) => ({ name, ...tool }));

export type ToolName = keyof typeof tools;
export type ToolArguments<Name extends ToolName> = z.output<(typeof tools)[Name]["input"]>;
