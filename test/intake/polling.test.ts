import { expect, test } from "vitest";
import type { ForgeHealth } from "../../src/contract/facts.ts";
import type { Forge, ForgeVerbs } from "../../src/hived/forge/client.ts";
import { ForgeUnavailable } from "../../src/hived/forge/errors.ts";
import { pollEveryMs } from "../../src/hived/forge/health.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { openCore, settled } from "../support/open-core.ts";

/** A forge on which nothing ever happens; says when an owner's changes were asked for. */
function idleForge(asked: () => void, fails: () => boolean): Forge {
  const verbs: Partial<ForgeVerbs> = {
    readBranch: async () => null, // nothing that a rule would protect
    countItems: async () => 0,
    async *changedPages() {
      asked();
      if (fails()) throw new ForgeUnavailable("The token is refused.", { isTokenRefused: true });
      yield { changed: [], total: 0 };
    },
  };
  return { url: "http://forge.test", as: () => verbs as ForgeVerbs, withPassword: () => expect.unreachable() };
}

/** The gaps between the polls of ten minutes, in milliseconds. */
async function gapsOf(kind: ForgeHealth["kind"], fails: () => boolean): Promise<number[]> {
  await using core = openCore();
  const at = new Set<number>();
  const forge = idleForge(() => at.add(core.clock.now()), fails);
  const askAgain = () => core.db.write((tx) => core.scheduler.enqueue(tx, "reconcile", "")).then(() => undefined);
  const nothing = { atOnce: 1, run: () => Promise.resolve(undefined) };
  core.work({
    reconcile: { atOnce: 1, run: () => reconcile({ core, forge, kind }) },
    provision: { atOnce: 1, run: askAgain }, // as provisioning ends
    "follow-main": nothing,
    "update-docs": nothing,
  });
  await askAgain();
  for (let second = 0; second < 600; second += 1) {
    for (let turn = 0; turn < 8; turn += 1) await settled(core);
    core.clock.advance(1000);
  }
  const times = [...at];
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

test.each(["embedded", "managed", "external"] as const)(
  "a forge (%s) is never polled faster than every 30 s",
  async (kind) => {
    expect(pollEveryMs).toBe(30_000);
    const gaps = await gapsOf(kind, () => false);
    expect(gaps.length).toBeGreaterThan(0);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30_000);
  },
);

test("a token that stays refused makes no faster polls", async () => {
  const gaps = await gapsOf("embedded", () => true);
  expect(gaps.length).toBeGreaterThan(5);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30_000);
});
