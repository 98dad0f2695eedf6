/** A coding agent with one oddity, named by its argument: what ACP agents do that no library of ours would let us do. */
import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

type Message = { id?: number; method?: string; params?: Record<string, unknown>; result?: unknown };

const [oddity = ""] = process.argv.slice(2);
const write = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const update = (update: object) => write({ method: "session/update", params: { sessionId: "odd", update } });
const chunk = (text: string) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
const modelOption = (model: string) => ({
  ...{ type: "select", id: "model", name: "Model", category: "model", currentValue: model },
  options: ["haiku", "opus"].map((value) => ({ value, name: value })),
});
const countsTokens = oddity === "counts tokens";
let dollars = 0;
let compactions = 0;
const isFirstLife = !existsSync("met");
writeFileSync("met", String(process.pid));
let prompt: Message = {};
const end = (result: object = {}) => write({ id: prompt.id, result: { stopReason: "end_turn", ...result } });

const oddities: Record<string, () => void> = {
  silent: () => chunk("I begin"), // and never end, whatever I am told
  empty: () => end(),
  "waits for a cancel": () => writeFileSync("begun", ""),
  "does as it is told"() {
    const blocks = (prompt.params?.["prompt"] ?? []) as { text: string }[];
    const answer = /^\{.*\}$/m.exec(blocks.at(-1)?.text ?? "")?.[0];
    write({ id: prompt.id, ...(answer ? JSON.parse(answer) : { result: { stopReason: "end_turn" } }) });
  },
  "signed out": () => write({ id: prompt.id, error: { code: -32_000, message: "Authentication required" } }),
  "rate limited": () =>
    write({ id: prompt.id, error: { code: -32_603, message: "Internal error", data: { errorKind: "rate_limit" } } }),
  "limited for an hour"() {
    const limit = { status: "rejected", resetsAt: 1_900_000_000, rateLimitType: "five_hour" };
    update({ sessionUpdate: "usage_update", used: 1, size: 100, _meta: { "_claude/rateLimit": limit } });
    oddities["rate limited"]?.();
  },
  garbage() {
    process.stdout.write("Loading…\n[1, 2]\n");
    chunk("now");
    end();
  },
  "counts tokens": () => end({ usage: { inputTokens: 1, outputTokens: 42, totalTokens: 43 } }),
  "counts dollars"() {
    dollars += 0.25;
    update({ sessionUpdate: "usage_update", used: 10, size: 100, cost: { amount: dollars, currency: "USD" } });
    update({ sessionUpdate: "config_option_update", configOptions: [modelOption(dollars > 0.25 ? "opus" : "haiku")] });
    chunk("done");
    end();
  },
  "fills up": () => answerUnlessFull(1),
  "stays full": () => answerUnlessFull(Number.POSITIVE_INFINITY),
  "has no commands"() {
    update({ sessionUpdate: "available_commands_update", availableCommands: [] });
    chunk("done");
    end();
  },
  repeats() {
    const [block] = (prompt.params?.["prompt"] ?? []) as { text: string }[];
    chunk(String(block?.text));
    end();
  },
  closes: () => process.stdout.end(),
  asks: () =>
    write({
      id: 99,
      method: "session/request_permission",
      params: {
        sessionId: "odd",
        toolCall: { toolCallId: "1", title: "rm" },
        options: [
          { optionId: "never", name: "Never", kind: "reject_always" },
          { optionId: "always", name: "Always", kind: "allow_always" },
          { optionId: "now", name: "Once", kind: "allow_once" },
        ],
      },
    }),
};

/** Too long is its first conversation, until it was made smaller so often. */
function answerUnlessFull(wanted: number): void {
  const [block] = (prompt.params?.["prompt"] ?? []) as { text: string }[];
  if (block?.text === "/compact") compactions += 1;
  else if (isFirstLife && compactions < wanted) {
    write({ id: prompt.id, error: { code: -32_603, message: "Prompt is too long" } });
    return;
  }
  chunk(`made smaller ${compactions} times; ${String(block?.text)}`);
  end();
}

if (oddity === "silent") process.on("SIGINT", () => undefined);

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  switch (message.method) {
    case "initialize":
      write({
        id: message.id,
        result: {
          protocolVersion: oddity === "from the future" ? 9 : 1,
          agentCapabilities: { loadSession: true },
        },
      });
      break;
    case "session/new":
      write({
        id: message.id,
        result: {
          sessionId: isFirstLife ? "odd" : "odd again",
          ...(countsTokens && { configOptions: [modelOption("haiku")] }),
        },
      });
      break;
    case "session/cancel":
      if (oddity === "waits for a cancel") end({ stopReason: "cancelled" });
      break;
    case "session/set_config_option":
      if (message.params?.["value"] === "opus")
        write({ id: message.id, result: { configOptions: [modelOption("opus")] } });
      else write({ id: message.id, error: { code: -32_602, message: "not today" } });
      break;
    case "session/load":
      chunk("what I said last week");
      if (oddity === "repeats") write({ id: message.id, error: { code: -32_002, message: "no such session" } });
      else write({ id: message.id, result: { ...(countsTokens && { configOptions: [modelOption("haiku")] }) } });
      break;
    case "session/prompt":
      prompt = message;
      oddities[oddity]?.();
      break;
    case undefined:
      if (message.id !== 99) break;
      chunk(JSON.stringify(message.result));
      end();
  }
}
