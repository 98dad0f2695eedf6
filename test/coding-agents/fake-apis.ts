/** The other models' sides, on loopback: OpenAI's Responses API and Gemini's API, as far as coding agents need them. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** An error of the API instead of an answer. */
type Refusal = { status: number; message: string };

export type FakeApis = {
  readonly url: string;
  /** bodies of the requests to a model so far */
  readonly asked: string[];
  refusal: Refusal | null;
  /** begins to answer, and never ends */
  isSlow: boolean;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Each model says "done". */
export async function openFakeApis(): Promise<FakeApis> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const events = eventsOf(request.url ?? "");
    if (events) apis.asked.push(body);
    const failure = events ? apis.refusal : { status: 404, message: "no such path" };
    if (failure || !events) {
      const { status, message } = failure ?? { status: 404, message: "" };
      response.writeHead(status, { "content-type": "application/json" });
      return void response.end(JSON.stringify({ error: { code: status, type: "error", message } }));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    const told = apis.isSlow ? events.filter(({ isEnd }) => !isEnd) : events;
    for (const { isEnd: _, ...event } of told) response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (!apis.isSlow) response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const apis: FakeApis = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    refusal: null,
    isSlow: false,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return apis;
}

function eventsOf(path: string): { isEnd?: boolean; [field: string]: unknown }[] | null {
  if (path.endsWith("/responses")) return responsesEvents;
  if (path.includes(":streamGenerateContent")) return geminiEvents;
  return null;
}

const item = {
  ...{ type: "message", id: "msg_1", role: "assistant", status: "completed" },
  content: [{ type: "output_text", text: "done", annotations: [] }],
};
const usage = {
  ...{ input_tokens: 10, output_tokens: 7, total_tokens: 17 },
  ...{ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
};
const responsesEvents = [
  { type: "response.created", response: { id: "resp_1", object: "response", status: "in_progress", output: [] } },
  { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
  { type: "response.output_text.delta", item_id: "msg_1", output_index: 0, content_index: 0, delta: "I begin" },
  { isEnd: true, type: "response.output_item.done", output_index: 0, item },
  {
    isEnd: true,
    type: "response.completed",
    response: { id: "resp_1", object: "response", status: "completed", output: [item], usage },
  },
];
const geminiEvents = [
  { candidates: [{ content: { role: "model", parts: [{ text: "I begin" }] }, index: 0 }] },
  {
    isEnd: true,
    candidates: [{ content: { role: "model", parts: [{ text: "done" }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 7, totalTokenCount: 17 },
  },
];
