/** An ACP agent that does what the newest message says, however bad: what no library would let an agent do. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { forking } from "./forking.ts";

type Message = { id?: number; method?: string; params?: Record<string, unknown> };

const write = (message: object) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const update = (update: object) => write({ method: "session/update", params: { sessionId: "any", update } });
const chunk = (text: string) => update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
const call = (title: string) =>
  update({ sessionUpdate: "tool_call", toolCallId: title, title, status: "in_progress", kind: "other" });

let prompt: Message = {};
let obeys = true;
const end = (result: object = {}) => write({ id: prompt.id, result: { stopReason: "end_turn", ...result } });
const say = () => {
  chunk("done");
  end();
};
const askPermission = (id: number | string) =>
  write({
    id,
    method: "session/request_permission",
    params: {
      sessionId: "any",
      toolCall: { toolCallId: "1", title: "rm" },
      options: [{ optionId: "yes", name: "Yes", kind: "allow_once" }],
    },
  });

const deeds: Record<string, () => void> = {
  say,
  tool() {
    call("tool");
    end();
  },
  wait: () => call("wait"),
  fork() {
    spawn("/bin/sh", ["-c", forking], { stdio: "ignore" });
    call("fork");
  },
  "say more afterwards"() {
    say();
    setTimeout(() => chunk("by myself"), 50);
  },
  nothing: () => end(),
  garbage() {
    process.stdout.write("Loading…\n\0\xff\n[1, 2]\nnull\n");
    say();
  },
  "half a message"() {
    process.stdout.write('{"jsonrpc":"2.0","method":"session/upda\n');
    say();
  },
  "odd updates"() {
    write({ method: "session/update", params: 7 });
    update({ sessionUpdate: "agent_message_chunk", content: 7 });
    update({ sessionUpdate: "tool_call", toolCallId: {}, title: [] });
    update({ sessionUpdate: "from a later version" });
    update({ sessionUpdate: "usage_update", cost: { amount: -5, currency: "USD" } });
    say();
  },
  "100 MiB in one line"() {
    const piece = "x".repeat(1024 * 1024);
    const more = (left: number) => {
      if (left === 0) process.stdout.write("\n", say);
      else process.stdout.write(piece, () => more(left - 1));
    };
    more(100);
  },
  exit: () => process.exit(3),
  "hang, whatever comes"() {
    obeys = false;
    process.on("SIGINT", () => undefined).on("SIGTERM", () => undefined);
    call("wait");
  },
  "close the input"() {
    process.stdin.destroy();
    closeSync(0);
    say();
    setInterval(() => undefined, 60_000);
  },
  "close the output"() {
    process.stdout.end();
    setInterval(() => undefined, 60_000);
  },
  "answer what nobody asked"() {
    write({ id: 4_711, result: {} });
    write({ id: null, error: { code: 1, message: "no" } });
    say();
  },
  "ask for permission and read no answer"() {
    process.stdin.pause();
    const more = () => {
      while (askPermission("again"));
      process.stdout.once("drain", more);
    };
    more();
  },
  "count backwards": () => {
    chunk("done");
    end({ usage: { inputTokens: -1, outputTokens: -42, totalTokens: -43 } });
  },
  "end with no reason": () => write({ id: prompt.id, result: {} }),
  "20,000 updates": () => {
    for (let left = 20_000; left > 0; left -= 1) chunk("one of many words ");
    end();
  },
};

const session = existsSync("session") ? readFileSync("session", "utf8") : null;
const models = (current: string) => ({
  configOptions: [
    {
      ...{ type: "select", id: "model", name: "Model", category: "model", currentValue: current },
      options: ["small", "large"].map((value) => ({ value, name: value })),
    },
  ],
});

for await (const line of createInterface({ input: process.stdin })) {
  const message = JSON.parse(line) as Message;
  const answer = (result: object) => write({ id: message.id, result });
  if (/^session\/(new|resume)$/.test(message.method ?? "") && existsSync("signed-out")) {
    write({ id: message.id, error: { code: -32_000, message: "Authentication required" } });
    continue;
  }
  switch (message.method) {
    case "initialize":
      answer({
        protocolVersion: 1,
        agentCapabilities: { sessionCapabilities: { resume: {} } },
        authMethods: [{ id: "key", name: "API key" }],
      });
      break;
    case "session/new": {
      const sessionId = `session-${process.pid}`;
      writeFileSync("session", sessionId);
      answer({ sessionId, ...models("small") });
      break;
    }
    case "session/resume":
      if (message.params?.["sessionId"] === session) answer(models("small"));
      else write({ id: message.id, error: { code: -32_002, message: "no such session" } });
      break;
    case "session/set_config_option":
      answer(models(String(message.params?.["value"])));
      break;
    case "session/cancel":
      if (obeys) end({ stopReason: "cancelled" });
      break;
    case "session/prompt": {
      prompt = message;
      const blocks = message.params?.["prompt"] as { text: string }[];
      const text = blocks.at(-1)?.text ?? "";
      const deed = Object.keys(deeds).find((name) => text === name || text.includes(`\n${name}\n`));
      (deeds[deed ?? ""] ?? say)();
    }
  }
}
