/** The model's side of Claude Code: a fake of Anthropic's Messages API on loopback, whose model is a function of the test. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What a request asks, without what Claude Code puts around it. */
export type Asked = {
  model: string;
  system: string;
  /** the newest text that is a person's */
  prompt: string;
  /** of the tools that were called last, when the request brings any */
  results: string[];
  tools: string[];
  headers: IncomingMessage["headers"];
  /** the whole request, as JSON */
  whole: string;
};

export type Reply =
  /** @param tokens how many it says that it read */
  | { kind: "text"; text: string; inputTokens?: number; stopReason?: string; headers?: Record<string, string> }
  /** @param tool the end of its name: clients put their own in front of an MCP server's */
  | { kind: "call"; tool: string; input: object }
  /** begins to answer and never ends, as long as somebody listens */
  | { kind: "slow" }
  /** begins to answer, and the connection breaks */
  | { kind: "cut" }
  | { kind: "error"; status: number; type: string; message: string; headers?: Record<string, string> };

export const say = (words: string): Reply => ({ kind: "text", text: words });

/** What the API answers with each status that matters here, as its documentation has it. */
export const refuse = {
  key: { kind: "error", status: 401, type: "authentication_error", message: "invalid x-api-key" },
  rate: { kind: "error", status: 429, type: "rate_limit_error", message: "This request would exceed your rate limit." },
  overload: { kind: "error", status: 529, type: "overloaded_error", message: "Overloaded" },
  length: {
    kind: "error",
    status: 400,
    type: "invalid_request_error",
    message: "prompt is too long: 210000 tokens > 200000 maximum",
  },
  credit: {
    kind: "error",
    status: 400,
    type: "invalid_request_error",
    message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.",
  },
  model: { kind: "error", status: 404, type: "not_found_error", message: "model: no-such-model" },
} satisfies Record<string, Reply>;

/** when it passes, in seconds since 1970 */
export const limitPasses = 1_900_000_000;

/** What the API says of the limits of a subscription. */
export const limitHeaders = (status: "allowed_warning" | "rejected", utilization: string) => ({
  "anthropic-ratelimit-unified-status": status,
  "anthropic-ratelimit-unified-reset": String(limitPasses),
  "anthropic-ratelimit-unified-representative-claim": "five_hour",
  "anthropic-ratelimit-unified-5h-utilization": utilization,
  "anthropic-ratelimit-unified-5h-reset": String(limitPasses),
});

export type FakeApi = {
  readonly url: string;
  /** every request for a message so far */
  readonly asked: Asked[];
  /** what the model does; a test puts its own here */
  reply: (asked: Asked) => Reply;
  /** resolves when a request that was answered slowly has been given up by the other side */
  readonly abandoned: Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function openFakeApi(): Promise<FakeApi> {
  const abandoned = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  async function handle(request: IncomingMessage, response: ServerResponse) {
    const body = await text(request);
    const path = new URL(request.url ?? "", "http://fake").pathname;
    if (path !== "/v1/messages") return answerJson(response, 404, errorBody("not_found_error", `no ${path}`));
    const asked = { ...parse(body), headers: request.headers };
    api.asked.push(asked);
    const reply = api.reply(asked);
    if (reply.kind === "error") {
      answerJson(response, reply.status, errorBody(reply.type, reply.message), reply.headers);
      return;
    }
    stream(response, asked, reply);
    if (reply.kind === "slow") response.once("close", () => abandoned.resolve());
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const api: FakeApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    reply: () => say("done"),
    abandoned: abandoned.promise,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return api;
}

const errorBody = (type: string, message: string) => ({ type: "error", error: { type, message } });

function answerJson(response: ServerResponse, status: number, body: object, headers = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

type Block = { type: string; text?: string; content?: string | Block[] };
type Body = {
  model: string;
  system?: string | Block[];
  messages: { role: string; content: string | Block[] }[];
  tools?: { name: string }[];
};

const blocksOf = (content: string | Block[] | undefined): Block[] =>
  typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
const textsOf = (blocks: Block[]): string[] =>
  blocks.flatMap(({ type, text }) => (type === "text" && text ? [text] : []));

function parse(body: string): Omit<Asked, "headers"> {
  const { model, system, messages, tools = [] } = JSON.parse(body) as Body;
  const users = messages.filter(({ role }) => role === "user").map(({ content }) => blocksOf(content));
  const own = users.flatMap(textsOf).filter((words) => !words.startsWith("<system-reminder>"));
  const results = (users.at(-1) ?? []).filter(({ type }) => type === "tool_result");
  return {
    model,
    system: textsOf(blocksOf(system)).join("\n"),
    prompt: own.at(-1) ?? "",
    results: results.map(({ content }) => textsOf(blocksOf(content)).join("\n")),
    tools: tools.map(({ name }) => name),
    whole: body,
  };
}

type Streamed = Exclude<Reply, { kind: "error" }>;

/** Server-sent events in the order in which the API sends them. */
function stream(response: ServerResponse, asked: Asked, reply: Streamed): void {
  response.writeHead(200, { "content-type": "text/event-stream", ...(reply.kind === "text" && reply.headers) });
  for (const event of eventsOf(asked, reply))
    response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  if (reply.kind === "text" || reply.kind === "call") response.end();
  if (reply.kind === "cut") response.destroy();
}

function eventsOf(asked: Asked, reply: Streamed): { type: string; [field: string]: unknown }[] {
  const usage = { input_tokens: reply.kind === "text" ? (reply.inputTokens ?? 100) : 100, output_tokens: 1 };
  const head = {
    id: `msg_${asked.whole.length}_${randomUUID()}`,
    type: "message",
    role: "assistant",
    model: asked.model,
  };
  const message = { ...head, content: [], stop_reason: null, stop_sequence: null, usage };
  const { block, deltas, stopReason } = contentOf(asked, reply);
  const begin = [
    { type: "message_start", message },
    { type: "content_block_start", index: 0, content_block: block },
    ...deltas.map((delta) => ({ type: "content_block_delta", index: 0, delta })),
  ];
  if (stopReason === null) return begin;
  const delta = { stop_reason: stopReason, stop_sequence: null };
  return [
    ...begin,
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta, usage: { output_tokens: 7 } },
    { type: "message_stop" },
  ];
}

/** `stopReason` is null for what does not end. */
function contentOf(asked: Asked, reply: Streamed): { block: object; deltas: object[]; stopReason: string | null } {
  if (reply.kind === "call") {
    const name = asked.tools.find((tool) => tool === reply.tool || tool.endsWith(`__${reply.tool}`)) ?? reply.tool;
    const block = { type: "tool_use", id: `toolu_${asked.whole.length}`, name, input: {} };
    const deltas = [{ type: "input_json_delta", partial_json: JSON.stringify(reply.input) }];
    return { block, deltas, stopReason: "tool_use" };
  }
  const words = reply.kind === "text" ? reply.text : "I begin ";
  const deltas = words.split(/(?<= )/).map((text) => ({ type: "text_delta", text }));
  const stopReason = reply.kind === "text" ? (reply.stopReason ?? "end_turn") : null;
  return { block: { type: "text", text: "" }, deltas, stopReason };
}
