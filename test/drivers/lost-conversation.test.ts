import { PassThrough } from "node:stream";
import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { converse } from "../../src/hive-runner/agent.ts";
import { ConversationLost } from "../../src/hive-runner/drivers/driver.ts";
import { openFakeClock } from "../support/fake-clock.ts";

test("that it has not got its conversation is heard, though its output closes only after its process is gone", async () => {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const { promise: exited, resolve: exit } = Promise.withResolvers<string>();
  const opening = converse(
    {
      ...{ stdin, stdout, exited },
      wasKilled: () => false,
      hasSucceeded: () => false,
      interrupt: () => undefined,
      end: async () => undefined,
    },
    { kind: "claude", cwd: "/", session: "forgotten", model: null, promptFile: "", plugin: "", mcpServers: [] },
    {
      ...{ clock: openFakeClock(), signal: new AbortController().signal, prompt: "" },
      onStderr: () => undefined,
      onUnasked: () => undefined,
      onOwnTurn: () => undefined,
    },
  );
  stdout.write(`${JSON.stringify({ type: "result", errors: ["No conversation found with session ID: forgotten"] })}\n`);
  await nextRound();
  // As when something that it has started holds its output open: that is closed here, a moment after the end is known.
  stdout.destroy();
  exit("it ended with code 1");
  await expect(opening).rejects.toBeInstanceOf(ConversationLost);
});
