#!/usr/bin/env node
/**
 * Plays `claude auth login`, whose provider no test can reach, and, called otherwise, is Claude Code that is signed in or not.
 * What it prints is what 2.1.332 printed; the code that it takes is `good#code`.
 */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const credentials = join(process.env["CLAUDE_CONFIG_DIR"] ?? "", ".credentials.json");
const write = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);

if (process.argv.includes("auth")) {
  writeFileSync(join(dirname(credentials), "login-pid"), String(process.pid));
  process.stdout.write(
    "Opening browser to sign in…\nIf the browser didn't open, visit:\nhttps://claude.ai/oauth/authorize?x=1\n",
  );
  process.stdout.write("Paste code here if prompted > ");
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "good#code") {
      writeFileSync(credentials, "{}", { mode: 0o600 });
      process.stdout.write("Login successful.\n");
      await new Promise((resolve) => setTimeout(resolve, 50)); // the real one has things to do before it ends
      process.exit(0);
    }
    if (line === "late#code") {
      process.stdout.write("Couldn't log in: the code late#code has expired\n");
      process.exit(1);
    }
    process.stdout.write("That doesn't look like the full code. Copy all of it, including the # in the middle.\n");
  }
}

for await (const text of createInterface({ input: process.stdin })) {
  const line = JSON.parse(text) as { type: string; request_id?: string; uuid?: string };
  if (line.type === "control_request")
    write({ type: "control_response", response: { subtype: "success", request_id: line.request_id, response: {} } });
  if (line.type !== "user") continue;
  const isSignedIn = existsSync(credentials) || process.env["ANTHROPIC_API_KEY"] !== undefined;
  const words = isSignedIn ? "done" : "Not logged in · Please run /login";
  const error = isSignedIn ? {} : { error: "authentication_failed" };
  write({ type: "assistant", parent_tool_use_id: null, message: { content: [] }, ...error });
  write({
    ...{ type: "result", subtype: "success", is_error: !isSignedIn, result: words, user_message_uuids: [line.uuid] },
    usage: { output_tokens: isSignedIn ? 7 : 0 },
  });
}
