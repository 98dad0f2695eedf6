/**
 * One agent's MCP session: one server object of the SDK, kept for the life of a launch behind a small transport of ours,
 * through which a posted message goes in and its answer comes out. A server per message would cost ten times as much.
 */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import {
  CallToolRequestSchema,
  CancelledNotificationSchema,
  ErrorCode,
  isJSONRPCRequest,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
  type JSONRPCRequest,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
  type RequestId,
} from "@modelcontextprotocol/sdk/types.js";
import { Fault } from "../../contract/fault.ts";
import { toolInstructions } from "../../contract/tools.ts";
import type { Caller } from "./caller.ts";
import type { Docs } from "./docs.ts";
import type { AgentTools } from "./tools.ts";

/** How a posted message is answered over HTTP; a notification gets no body, nor does a call that was cancelled. */
export type PostAnswer = { status: 200 | 202 | 400; body?: unknown };

export type Session = {
  /** @throws Fault when the session is closed before the answer */
  post(message: unknown): Promise<PostAnswer>;
  close(): Promise<void>;
};

type Options = {
  /** of this program, told to the client */
  version: string;
  /** offered as resources, where the caller has no /docs */
  docs?: Pick<Docs, "texts">;
};

export async function openSession(caller: Caller, tools: AgentTools, { version, docs }: Options): Promise<Session> {
  const capabilities = { tools: {}, ...(docs && { resources: {}, logging: {} }) };
  const server = new Server({ name: "hyperhive", version }, { capabilities, instructions: toolInstructions });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.list(caller) }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }, { signal }) =>
    tools.call(caller, params.name, params.arguments, signal),
  );
  if (docs) offerDocs(server, docs);
  const { transport, post } = openPosts();
  await server.connect(transport);
  return { post, close: () => server.close() };
}

const docsUri = "docs:///";

function offerDocs(server: Server, docs: Pick<Docs, "texts">): void {
  const uriOf = (path: string) => `${docsUri}${encodeURI(path)}`;
  server.setRequestHandler(ListResourcesRequestSchema, () => ({
    resources: docs.texts().map(({ path }) => ({ uri: uriOf(path), name: path, mimeType: "text/plain" })),
  }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params: { uri } }) => {
    const found = docs.texts().find(({ path }) => uriOf(path) === uri);
    if (!found) throw new McpError(ErrorCode.InvalidParams, `There is no ${uri} in org-shared/docs.`);
    return { contents: [{ uri, mimeType: "text/plain", text: found.text }] };
  });
}

type Waiting = { id: RequestId; resolve(answer: PostAnswer): void; reject(error: Error): void };

/**
 * The transport, and the door for messages. Requests are renumbered, as several clients may number theirs alike. What the
 * server sends by itself goes nowhere: there is no stream, and the list of tools never changes.
 */
function openPosts(): { transport: Transport; post: Session["post"] } {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const transport: Transport = {
    start: () => Promise.resolve(),
    async send(message) {
      if (!("id" in message) || "method" in message) return;
      const asked = waiting.get(Number(message.id));
      waiting.delete(Number(message.id));
      asked?.resolve({ status: 200, body: { ...message, id: asked.id } });
    },
    async close() {
      for (const { reject } of waiting.values()) reject(new Fault("the agent's process has ended"));
      waiting.clear();
      transport.onclose?.();
    },
  };
  const ask = (message: JSONRPCMessage & { id: RequestId }) =>
    new Promise<PostAnswer>((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { id: message.id, resolve, reject });
      transport.onmessage?.({ ...message, id: lastId });
    });
  /** The call is told that nobody waits. Where several clients have a call of that number, nobody knows which is meant. */
  const cancel = (id: RequestId | undefined) => {
    const [meant, ...others] = [...waiting].filter(([, asked]) => asked.id === id);
    if (!meant || others.length > 0) return;
    const [requestId, { resolve }] = meant;
    waiting.delete(requestId);
    transport.onmessage?.({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });
    resolve({ status: 202 });
  };
  const post = async (body: unknown): Promise<PostAnswer> => {
    const { success, data: message } = JSONRPCMessageSchema.safeParse(body);
    if (!success) return { status: 400, body: errorBody("This is not one JSON-RPC message.") };
    if (isJSONRPCRequest(message)) return isCallable(message) ? ask(message) : notCallable(message.id);
    const cancelled = CancelledNotificationSchema.safeParse(message).data;
    if (cancelled) cancel(cancelled.params.requestId);
    else if ("method" in message) transport.onmessage?.(message);
    return { status: 202 };
  };
  return { transport, post };
}

/** What the SDK would refuse with a list of its own: models leave out a tool's arguments in many ways. */
function isCallable({ method, params }: JSONRPCRequest): boolean {
  if (method !== "tools/call") return true;
  const { name, arguments: given } = params ?? {};
  return typeof name === "string" && (given === undefined || (given instanceof Object && !Array.isArray(given)));
}

const notCallable = (id: RequestId): PostAnswer => ({
  status: 200,
  body: {
    jsonrpc: "2.0",
    id,
    error: {
      code: ErrorCode.InvalidParams,
      message: "A call needs the `name` of a tool, and `arguments` that are an object: {} where it takes none.",
    },
  },
});

/** An answer to what has no id, or none that can be read. */
const errorBody = (message: string) => ({
  jsonrpc: "2.0",
  id: null,
  error: { code: ErrorCode.InvalidRequest, message },
});
