/**
 * The script agent: a coding agent without a model, which speaks ACP on stdio and does what its script says.
 * `node main.ts [script]`; the script is `script.yaml` in $HIVE_CONFIG_DIR when it is not named.
 */
import { randomUUID } from "node:crypto";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import {
  type AgentContext,
  agent,
  type McpServer,
  methods,
  ndJsonStream,
  PROTOCOL_VERSION,
  RequestError,
  type SessionUpdate,
  type SystemPrompt,
} from "@agentclientprotocol/sdk/unstable";
import ours from "../../package.json" with { type: "json" };
import { openMemory } from "./memory.ts";
import { type Message, messagesIn } from "./messages.ts";
import { readScript } from "./script.ts";
import { openTools, type Server, type Tools } from "./tools.ts";
import { type Show, type Shown, takeTurn } from "./turn.ts";

if (process.argv[2] === "--version") {
  console.log(`script agent ${ours.version}`);
  process.exit();
}
const path = process.argv[2] ?? join(process.env["HIVE_CONFIG_DIR"] ?? ".", "script.yaml");
const state = process.env["HIVE_STATE_DIR"] ?? process.cwd();
const script = readScript(path);
const memory = openMemory(state);
let tools: Tools | undefined;
let told = "";
/** the turn that runs: one at a time */
let running: AbortController | undefined;

async function openSession(session: string, servers: McpServer[], prompt?: SystemPrompt | null): Promise<void> {
  told = (prompt?.content ?? []).map((block) => (block.type === "text" ? block.text : "")).join("\n");
  await tools?.close();
  tools = await openTools(servers.flatMap(toServer));
  if (memory.session() !== session) memory.keepSession(session);
}

/** Servers that speak over stdio, which every agent has to take; others are not announced. */
function toServer(server: McpServer): Server[] {
  if ("type" in server) return [];
  const { name, command, args, env } = server;
  return [{ name, command, args, env: Object.fromEntries(env.map((each) => [each.name, each.value])) }];
}

function showTo(client: AgentContext, sessionId: string): Show {
  const update = (shown: SessionUpdate) => client.notify(methods.client.session.update, { sessionId, update: shown });
  return {
    say: (text) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } }),
    async begin(title, kind) {
      const toolCallId = randomUUID();
      await update({ sessionUpdate: "tool_call", toolCallId, title, kind, status: "in_progress" });
      return shownAs(toolCallId, update);
    },
  };
}

/** The end of an output that is shown, in characters. */
const mostShown = 4_000;

const shownAs = (toolCallId: string, update: (shown: SessionUpdate) => Promise<void>): Shown => ({
  retry: (title) => update({ sessionUpdate: "tool_call_update", toolCallId, title }),
  end: (isAsExpected, output) =>
    update({
      sessionUpdate: "tool_call_update",
      toolCallId,
      status: isAsExpected ? "completed" : "failed",
      content: [{ type: "content", content: { type: "text", text: output.slice(-mostShown) } }],
    }),
});

/** The command of many coding agents; never what somebody wrote in a message. */
const isCompaction = ({ id, body }: Message) => id === "" && body.trim() === "/compact";

agent({ name: "script-agent" })
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: PROTOCOL_VERSION,
    agentCapabilities: { loadSession: true, sessionCapabilities: { systemPrompt: {} } },
    agentInfo: { name: "script-agent", version: "1" },
    authMethods: [],
  }))
  .onRequest(methods.agent.session.new, async ({ params }) => {
    const sessionId = randomUUID();
    await openSession(sessionId, params.mcpServers, params.systemPrompt);
    return { sessionId };
  })
  .onRequest(methods.agent.session.load, async ({ params }) => {
    if (memory.session() !== params.sessionId) throw new RequestError(-32_002, "I have no such conversation.");
    await openSession(params.sessionId, params.mcpServers, params.systemPrompt);
    return {};
  })
  .onNotification(methods.agent.session.cancel, () => running?.abort())
  .onRequest(methods.agent.session.prompt, async ({ params, client, signal }) => {
    if (params.sessionId !== memory.session() || !tools) throw new RequestError(-32_002, "Open a session first.");
    const messages = messagesIn(params.prompt);
    const show = showTo(client, params.sessionId);
    if (messages.every(isCompaction)) {
      await show.say("I keep nothing of a conversation, so there is nothing to make smaller.\n");
      return { stopReason: "end_turn" };
    }
    running = new AbortController();
    const stopped = AbortSignal.any([running.signal, signal]);
    const stage = { script, directory: dirname(path), state, told, memory, tools, show };
    try {
      await takeTurn(stage, messages, stopped);
      return { stopReason: "end_turn" };
    } catch (error) {
      if (stopped.aborted) return { stopReason: "cancelled" };
      throw error;
    }
  })
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>))
  .closed.then(() => process.exit(0));
