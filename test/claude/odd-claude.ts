#!/usr/bin/env node
/** Claude Code gone wrong: its last message says how. */
import { createInterface } from "node:readline";

type Told = { type: string; request_id?: string; uuid?: string; message?: { content: { text: string }[] } };
const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
let told: Told = { type: "" };
const end = (more: object = {}) =>
  write({
    ...{ type: "result", subtype: "success", is_error: false, user_message_uuids: [told.uuid] },
    ...{ usage: { output_tokens: 7 }, ...more },
  });
const permission = {
  type: "control_request",
  request_id: "1",
  request: { subtype: "can_use_tool", input: { pad: "x".repeat(9_000) } },
};

const ownText = (text: string) =>
  write({ type: "stream_event", event: { type: "content_block_delta", delta: { text } } });

const oddities: Record<string, () => void> = {
  "prints garbage": () => {
    process.stdout.write('Loading…\n[1,2]\n{"type":"assistant","message":\n{"type":"user"}\nnull\n');
    end();
  },
  "writes 100 MiB in one line": () => {
    for (let written = 0; written < 100; written += 1) process.stdout.write("x".repeat(1024 * 1024));
    process.stdout.write("\n");
    end();
  },
  "says nothing of the model": () => end({ usage: {} }),
  "reports negative tokens": () => end({ usage: { input_tokens: -5, output_tokens: -7 } }),
  "reports half a token": () => end({ usage: { input_tokens: 1.5, output_tokens: 7 } }),
  "has a model with an endless name": () => {
    write({ type: "system", subtype: "init", session_id: "a-session", model: "m".repeat(10_000) });
    end();
  },
  "ends somebody else's turn first": () => {
    write({ type: "result", subtype: "success", result: "not yours", user_message_uuids: ["another"] });
    write({ type: "result", subtype: "success", result: "its own", origin: { kind: "task-notification" } });
    end();
  },
  "answers what nobody asked": () => {
    write({ type: "control_response", response: { subtype: "error", request_id: "nobody's", error: "no" } });
    end();
  },
  "asks for what there is not": () =>
    write({ type: "control_request", request_id: "7", request: { subtype: "make_coffee" } }),
  "asks without end": () => {
    input.pause();
    const ask = () => process.stdout.write(`${JSON.stringify(permission)}\n`.repeat(20), () => setImmediate(ask));
    ask();
  },
  "begins a turn of its own, and never ends it": () => {
    end();
    ownText("cut off");
  },
  "has a turn of its own": () => {
    end();
    ownText("whole");
    write({ type: "user", message: { content: [{ type: "tool_result", tool_use_id: "1" }] } });
    write({ type: "result", subtype: "success", origin: { kind: "task-notification" } });
  },
  exits: () => process.exit(3),
  "closes its output": () => process.stdout.end(),
};

const input = createInterface({ input: process.stdin });
input.on("line", (text) => {
  const line = JSON.parse(text) as Told & { response?: { subtype: string } };
  if (line.type === "control_request")
    write({ type: "control_response", response: { subtype: "success", request_id: line.request_id, response: {} } });
  if (line.type === "control_response" && line.response?.subtype === "error") end();
  if (line.type !== "user") return;
  told = line;
  const words = line.message?.content.at(-1)?.text ?? "";
  (Object.entries(oddities).find(([oddity]) => words.includes(oddity))?.[1] ?? end)();
});
