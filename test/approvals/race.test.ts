/** A hundred races of an approval and a push, on a forge in this process, which begin at every moment of the approval's way. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { startForge } from "../../forge/embedded/app.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { howMany } from "../support/stories.ts";
import { type Approvals, openApprovals } from "./open-approvals.ts";
import { type Racer, race } from "./race.ts";

async function startHere(): Promise<RunningForge> {
  const directory = newMemoryDirectory("hive-forge-");
  const adminTokenFile = join(directory, "admin-token");
  const dataDir = join(directory, "data");
  const { url, stop } = await startForge({
    dataDir,
    port: 0,
    adminName: "hive-admin",
    adminTokenFile,
    passwordCost: 2,
  });
  const never = () => Promise.reject(new Error("it lives in this process"));
  return { kind: "embedded", url, adminTokenFile, kill: never, start: never, [Symbol.asyncDispose]: stop };
}

/** A pull request from a branch, which is moved faster than one by AGit; what becomes of a head is the same. */
async function propose(hive: Approvals, slug: string): Promise<Racer> {
  const bot = hive.as("hive-bot");
  const path = `decisions/${slug}.md`;
  const write = async (text: string, change: object) => {
    const content = Buffer.from(text).toString("base64");
    const body = { content, message: text, ...change };
    const made = await bot.call("sha" in change ? "PUT" : "POST", `/repos/${agentsRepo}/contents/${path}`, body);
    return made as { content: { sha: string }; commit: { sha: string } };
  };
  let head = await write(slug, { branch: "main", new_branch: slug });
  const pull = { head: slug, base: "main", title: slug };
  const { number } = (await bot.call("POST", `/repos/${agentsRepo}/pulls`, pull)) as { number: number };
  const racer = {
    number,
    path,
    text: slug,
    approve: () => hive.review({ number, head: head.commit.sha }, "APPROVED"),
    async push(text: string) {
      head = await write(text, { branch: slug, sha: head.content.sha });
      racer.text = text;
    },
  };
  return racer;
}

/** Fewer calls of the forge look at no decision, and merge it once it is approved. */
const callsToMerge = 19;

test("in none of a hundred races, or as many as asked for, is a push merged that came beside the approval of the head before it", async () => {
  await using forge = await startHere();
  await using hive = await openApprovals(forge);
  let merged = 0;
  let racer = await propose(hive, "race-0");
  for (let round = 1; round <= howMany(100); round += 1) {
    if (!(await race(hive, racer, round % callsToMerge))) continue;
    merged += 1;
    racer = await propose(hive, `race-${round}`);
  }
  await hive.follow(racer);
  expect(hive.row(racer)).toMatchObject({ state: "waiting" });
  expect(merged).toBeGreaterThan(0); // else the push always came first
  expect(merged).toBeLessThan(howMany(100) / 2); // else it always came too late
}, 180_000);
