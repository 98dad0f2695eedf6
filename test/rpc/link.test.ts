import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { z } from "zod";
import { Fault } from "../../src/contract/fault.ts";
import { speak } from "../../src/rpc/link.ts";

const calls = { repeat: { request: z.object({ text: z.string(), times: z.number() }), response: z.string() } };
const mebibyte = 1024 * 1024;

/** One side of a link whose other side repeats what it is told. */
function openLink() {
  const [here, there] = duplexPair();
  const bugs: unknown[] = [];
  const onBug = (error: unknown) => bugs.push(error);
  speak(there, calls, { repeat: async ({ text, times }) => text.repeat(times) }, {}, onBug);
  return { peer: speak(here, {}, {}, calls, onBug), bugs };
}

test.each([
  ["call", { text: "ä".repeat(32 * mebibyte), times: 0 }, /^repeat would take 65 MiB/],
  ["answer", { text: "ä".repeat(mebibyte), times: 32 }, /^The answer to repeat would take 65 MiB/],
])("a line that is too long costs its %s, not the link", async (_, request, problem) => {
  const { peer, bugs } = openLink();
  await expect(peer.call("repeat", request)).rejects.toMatchObject({
    name: "Refusal",
    code: "line_too_long",
    message: expect.stringMatching(problem),
  });
  expect(await peer.call("repeat", { text: "on ", times: 2 })).toBe("on on ");
  expect(bugs).toEqual([]);
  peer.close();
  await expect(peer.call("repeat", { text: "", times: 0 })).rejects.toBeInstanceOf(Fault);
});
