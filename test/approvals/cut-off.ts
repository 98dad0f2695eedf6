/** hived is killed on the way of an approval of each kind: the next one goes on, and nothing is there, or told, twice. */
import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { AgentName } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { askForRevert } from "../../src/hived/approvals/revert.ts";
import { agentsRepo } from "../../src/hived/forge/plan.ts";
import { howMany } from "../support/stories.ts";
import type { Approvals } from "./open-approvals.ts";

type Proposed = { number: number; head: string };

/** What is there in the end: the states that were told, the message, and the texts of the statuses. */
type Ended = { course: string[]; told: string; success: string; pending: string; valid: string };

/** @param inTest after how many of an agent's acts hived is killed, each time anew; `npm run soak` kills it after each that there is */
export function cutOff(hive: () => Approvals, inTest: readonly number[], onOne: typeof test): void {
  const isSoak = howMany(0) > 0;
  /** @param tell a life in which hived is killed after so many acts of each way; says whether any had so many */
  const each = async (cuts: readonly number[], tell: (acts: number) => Promise<boolean>): Promise<void> => {
    if (!isSoak) for (const acts of cuts) expect(await tell(acts)).toBe(true);
    else for (let acts = 0; await tell(acts); acts += 1);
  };
  const timeout = isSoak ? 3_600_000 : 120_000;
  const ofAgent = ["opened", "waiting", "preparing", "merging", "converging", "deployed"];
  const ofNone = ["opened", "waiting", "preparing", "merging", "deployed"];

  /** Begins something, kills hived on the way, and starts it again. @returns whether it had so many acts */
  const killAfter = async (acts: number, begin: () => Promise<unknown>, end: Promise<unknown>): Promise<boolean> => {
    const killed = hive().cut.after(acts);
    await begin().catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error;
    });
    const isCut = await Promise.race([killed.then(() => true), end.then(() => hive().quiet()).then(() => false)]);
    hive().cut.startAgain();
    return isCut;
  };
  /** Whatever was cut off is done again, as at a start of hived. */
  const goOn = async (proposed: Pick<Proposed, "number">) => {
    const look = async () => {
      await hive().core.db.write((tx) => hive().core.scheduler.retryNow(tx));
      await hive().follow(proposed);
      return hive().row(proposed).state;
    };
    await expect.poll(look, { timeout: 30_000 }).toBe("deployed");
  };
  const carryOut = async (acts: number, proposed: Proposed): Promise<boolean> => {
    await hive().review(proposed, "APPROVED");
    const isCut = await killAfter(acts, () => hive().follow(proposed), hive().becomes(proposed, "deployed"));
    await goOn(proposed);
    return isCut;
  };
  const expectOnce = async (proposed: Proposed, { course, told, success, pending, valid }: Ended) => {
    expect(hive().eventsOf(proposed)).toEqual(course);
    expect(hive().told(proposed)).toEqual(told === "" ? [] : [told]);
    expect(await hive().statuses(proposed.head)).toEqual([
      `deploy success: ${success}`,
      `deploy pending: ${pending}`,
      `validate success: valid: ${valid}`,
    ]);
    expect(await hive().verdicts(proposed)).toHaveLength(1);
    const reviews = await hive().bot.listReviews(agentsRepo, proposed.number);
    expect(reviews.filter(({ user }) => user === "operator").map(({ state }) => state)).toEqual(["APPROVED"]);
  };
  const expectRuns = async (name: string, version: number) => {
    expect(hive().agent(name)).toMatchObject({ state: "idle", deployment: version, problem: null, difference: null });
    expect(hive().wakesOf(name)).toHaveLength(version);
    const tags = (await hive().bot.listTags(agentsRepo)).filter((tag) => tag.name.startsWith(`deployed/${name}/`));
    expect(tags).toHaveLength(version);
  };

  const life = async (acts: number): Promise<boolean> => {
    const name = `cut-${acts}`;
    const agent = AgentName.parse(name);
    const spawn = await hive().propose(`spawn-${name}`, hive().worker(name));
    const cuts = [await carryOut(acts, spawn)];
    await expectOnce(spawn, {
      ...{ course: ofAgent, told: `it was approved, and ${name} runs as version 1.`, valid: `spawn ${name}` },
      ...{ success: `${name} runs version 1`, pending: `${name} is prepared` },
    });
    await expectRuns(name, 1);

    const config = await hive().propose(`config-${name}`, { [`agents/${name}/AGENTS.md`]: "Rest.\n" });
    cuts.push(await carryOut(acts, config));
    await expectOnce(config, {
      ...{ course: ofAgent, told: `it was approved, and ${name} runs as version 2.`, valid: `config ${name}` },
      ...{ success: `${name} runs version 2`, pending: `${name} is prepared` },
    });
    await expectRuns(name, 2);

    hive().runner.before.launch = () => {
      delete hive().runner.before.launch;
      throw new Refusal("launch_failed", `${name} could not be started.`, "Mend it.");
    };
    await hive().write(`agents/${name}/AGENTS.md`, "Break.\n");
    await hive().followMain();
    await hive().core.event(
      "AgentChanged",
      ({ fact }) => fact.agent.name === name && fact.agent.difference !== null && fact.agent.state === "idle",
    );
    const approved = hive().core.event("Note", ({ fact }) => fact.text.includes(`(Put ${name} back to version 2)`));
    const ask = () => askForRevert({ core: hive().core }, agent);
    cuts.push(
      await killAfter(
        acts,
        ask,
        approved.then(() => hive().allDone("revert")),
      ),
    );
    await hive().allDone("revert");
    const number = Number(/#(\d+)/.exec((await approved).fact.text)?.[1]);
    const revert = { number, head: await hive().headOf({ number, head: "" }) };
    cuts.push(await killAfter(acts, () => hive().follow(revert), hive().becomes(revert, "deployed")));
    await goOn(revert);
    await expectOnce(revert, {
      ...{ course: ofAgent, told: "", success: `${name} runs version 4`, pending: `${name} is prepared` },
      valid: `config ${name}`,
    });
    expect(hive().agent(name)).toMatchObject({ deployment: 4, difference: null });

    const files = { [`agents/${name}/agent.yaml`]: null, [`agents/${name}/AGENTS.md`]: null };
    const destroy = await hive().propose(`destroy-${name}`, files);
    cuts.push(await carryOut(acts, destroy));
    await expectOnce(destroy, {
      ...{ course: ofAgent, told: `it was approved, and ${name} is stopped for good. Its state is kept.` },
      ...{ success: `${name} is stopped for good`, pending: `${name} is prepared`, valid: `destroy ${name}` },
    });
    expect(hive().forgeParts.tokens.read(name)).toBeUndefined();
    return cuts.includes(true);
  };

  test("an agent's whole life, killed on the way of each of its approvals", () => each(inTest, life), timeout);

  const ofNoAgent = async (acts: number): Promise<boolean> => {
    const cuts: boolean[] = [];
    const version = `{ "inputs": { "cli": "3.0.${acts}" } }\n`;
    await hive().write("inputs.json", version.replace("3.0", "2.0"));
    for (const [kind, files] of [
      ["decision", { [`decisions/cut-${acts}.md`]: "Go on.\n" }],
      ["inputs", { "inputs.json": version }],
    ] as const) {
      const proposed = await hive().propose(`${kind}-cut-${acts}`, files);
      cuts.push(await carryOut(acts, proposed));
      await expectOnce(proposed, {
        ...{ course: ofNone, told: "it was approved, and main has it.", valid: kind },
        ...{ success: "merged", pending: "approved" },
      });
    }
    return cuts.includes(true);
  };

  onOne("what is about no agent, killed on its way", () => each([1, 7], ofNoAgent), timeout);
}
