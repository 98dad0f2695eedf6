/** hived is killed after each of its acts on the way of an approval: the next one goes on, and nothing is there twice. */
import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { followApproval } from "../../src/hived/approvals/follow.ts";
import type { ForgeUser, ForgeVerbs } from "../../src/hived/forge/client.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import type { Approvals } from "./open-approvals.ts";

const killed = () => new Fault("hived was killed");
/** What changes the forge; to look at it leaves nothing behind. */
const acts: ReadonlySet<string> = new Set(["setStatus", "postComment", "editComment", "requestReview", "merge"]);

/** The same parts, with which nothing can be done any more after so many acts. */
function killedAfter(parts: LifecycleParts, most: number) {
  let left = most;
  const act = async <Result>(done: () => Promise<Result>): Promise<Result> => {
    if (left === 0) throw killed();
    const result = await done();
    left -= 1;
    if (left === 0) throw killed();
    return result;
  };
  const verbs = (as: ForgeVerbs): ForgeVerbs =>
    Object.fromEntries(
      Object.entries(as).map(([name, verb]) => {
        const call = verb as (...args: unknown[]) => Promise<unknown>;
        return [name, acts.has(name) ? (...args: unknown[]) => act(() => call(...args)) : call];
      }),
    ) as unknown as ForgeVerbs;
  const { core, forge } = parts;
  const write: typeof core.db.write = (closure) => act(() => core.db.write(closure));
  return {
    parts: {
      ...parts,
      core: { ...core, db: { ...core.db, write } },
      forge: { ...forge, as: (user: ForgeUser) => verbs(forge.as(user)) },
    },
    isOver: () => left > 0,
  };
}

/** @param step 1 for after each of its acts, 4 for after every fourth, the merge among them */
export function cutOff(hive: () => Approvals, step: 1 | 4): void {
  test("after whichever of its acts hived is killed, the approval is carried out, told and shown once", async () => {
    let isOver = false;
    let after = 1;
    for (; !isOver; after += step) {
      const slug = `cut-off-${after}`;
      const proposed = await hive().propose(slug, { [`decisions/${slug}.md`]: "Go on.\n" });
      await hive().review(proposed, "APPROVED");
      const first = killedAfter(hive().parts, after);
      await followApproval(first.parts, proposed.number).catch((error: unknown) => {
        if (!(error instanceof Fault)) throw error;
      });
      isOver = first.isOver() && (await hive().isMerged(proposed));
      await hive().follow(proposed);
      expect(hive().eventsOf(proposed), slug).toEqual(["opened", "waiting", "preparing", "merging", "deployed"]);
      expect(hive().told(proposed), slug).toEqual(["it was approved, and main has it."]);
      expect(await hive().verdicts(proposed), slug).toHaveLength(1);
      expect(await hive().statuses(proposed.head), slug).toEqual([
        "deploy success: merged",
        "deploy pending: approved",
        "validate success: valid: decision",
      ]);
      const reviews = await hive().bot.listReviews(agentsRepo, proposed.number);
      expect(reviews.filter(({ user }) => user === "operator").map(({ state }) => state)).toEqual(["APPROVED"]);
    }
    expect(after).toBeGreaterThan(8); // else it was never cut off in the middle
  }, 120_000);
}
