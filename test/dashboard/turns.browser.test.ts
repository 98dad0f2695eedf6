/** An agent's page and a turn's: what ran, what became of its messages, and what the agent does while it does it. */
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { Turn, TurnMessage } from "../../src/contract/turn.ts";
import { AgentVersion } from "../../src/contract/version.ts";
import { agentFact, entryFact, entryOf, messageFact, turnFact, turnRow } from "./rows.ts";
import { dashboards } from "./start-dashboard.ts";

const start = dashboards();
const idOf = (digit: string) => `turn-${digit.repeat(32)}`;
const ended = { startedAt: 1_000, endedAt: 62_500, outcome: "ok", evidence: { outputs: 3, outputTokens: 340 } };
const usage = { model: "opus", inputTokens: 900, costUsd: 0.0123 };
const heldMessage = (row: Record<string, unknown>) =>
  TurnMessage.parse({
    ...{ entry: 1, message: 1, from: "operator", isTrigger: true, became: "handled" },
    now: { delivery: entryOf({ recipient: "alice", state: "handled" }), beginning: "Index it." },
    ...row,
  });
const turns = (page: Page) => page.getByRole("region", { name: "Turns of alice" }).getByRole("listitem");

test("an agent's turns are listed newest first, live, and older ones when somebody asks", async () => {
  await using dashboard = await start();
  const { hived } = dashboard;
  hived.olderTurns = Array.from({ length: 60 }, (_, index) =>
    Turn.parse(turnRow({ ...ended, id: `turn-${String(900 - index).padStart(32, "0")}`, startedAt: 900 - index })),
  );
  hived.publish(agentFact({ state: "idle" }), turnFact({ ...ended, usage, id: idOf("a") }));
  const page = await dashboard.open();
  await page.getByRole("heading", { name: "alice" }).getByRole("link").click();
  expect(new URL(page.url()).pathname).toBe("/agents/alice");
  await expect.poll(() => turns(page).count()).toBe(50);
  expect(await turns(page).first().textContent()).toMatch(
    /ok.*took 1 min 1 s.*begun by operator, 1 message, tokens: 900 in, 340 out, \$0\.0123/,
  );
  hived.publish(turnFact({ id: idOf("b"), startedAt: 70_000 }));
  await turns(page).first().getByText("running").waitFor();
  hived.publish(
    turnFact({
      ...ended,
      id: idOf("b"),
      startedAt: 70_000,
      endedAt: 71_000,
      outcome: "timed_out",
      problem: "Too long.",
    }),
  );
  await turns(page).first().getByText("timed out").waitFor();
  await turns(page).first().getByText("Too long.").waitFor();
  await page.getByRole("button", { name: "Show older ones" }).click();
  await expect.poll(() => turns(page).count()).toBe(62);
  await page.goBack();
  await page.getByRole("region", { name: "Messages" }).waitFor();
  expect(dashboard.complaints).toEqual([]);
});

test("a running turn grows by events until its end, and then shows its record, without a reload", async () => {
  await using dashboard = await start();
  const { hived } = dashboard;
  hived.held = [heldMessage({ became: "leased" })];
  hived.show({ kind: "text", text: "I look at it." });
  hived.publish(agentFact({ state: "working", turn: idOf("a") }), turnFact({ id: idOf("a") }));
  const page = await dashboard.open();
  await page.evaluate("window.isSame = true");
  await page.getByRole("link", { name: "running" }).click();
  const log = page.getByRole("log");
  await log.getByText("I look at it.").waitFor();
  hived.show({ kind: "tool", id: "1", title: "ls <b>-l</b>", status: "in_progress" }, { kind: "thought", text: "Hm." });
  await log.getByText("ls <b>-l</b>").waitFor();
  await log.getByText("Hm.").waitFor();
  await hived.stop();
  await page.getByText("Not connected to the hive.").waitFor();
  hived.show({ kind: "text", text: "Said meanwhile." });
  await hived.start();
  await log.getByText("Said meanwhile.").waitFor();
  hived.held = [heldMessage({})];
  hived.publish(turnFact({ ...ended, usage, id: idOf("a"), messages: 1 }), agentFact({ state: "idle" }));
  await page.getByText("handled by it").waitFor();
  await page.getByText("opus").waitFor();
  await log.getByText("Said meanwhile.").waitFor();
  expect(await page.evaluate("window.isSame")).toBe(true);
  expect(dashboard.complaints.filter((text) => !/50[23]|Failed to load/.test(text))).toEqual([]);
});

test("a message's delivery leads to its turn, and the turn to its messages' deliveries, as they are now", async () => {
  await using dashboard = await start();
  const { hived } = dashboard;
  hived.held = [heldMessage({ became: "queued" }), heldMessage({ entry: 9, message: 9, isTrigger: false, now: null })];
  hived.publish(
    messageFact({ from: "operator", to: "alice", body: "Index it." }),
    turnFact({ ...ended, id: idOf("a") }),
    entryFact({ recipient: "alice", state: "handled", turn: idOf("a"), leasedAt: 2, settledAt: 3 }),
    agentFact({}),
  );
  const page = await dashboard.open();
  const message = page.getByRole("listitem").filter({ hasText: "Index it." }).first();
  expect(await message.getByRole("list", { name: "Delivery" }).textContent()).toMatch(
    /^handled.* ago.*in a turn .* ago.*queued .* ago/,
  );
  await message.getByRole("link", { name: "its turn" }).click();
  const messages = page.getByRole("region", { name: "Messages" });
  await messages.getByText("queued by it").waitFor();
  await messages.getByText("The message is not kept any more.").waitFor();
  hived.publish(entryFact({ recipient: "alice", state: "dead", problem: "It crashed again." }));
  await messages.getByText("It crashed again.").waitFor();
  await messages.getByRole("button", { name: "Deliver it to alice once more" }).waitFor();
});

test("the page of a turn that nobody knows says so, and what to do", async () => {
  await using dashboard = await start();
  dashboard.hived.publish(agentFact({}));
  const page = await dashboard.open();
  await page.goto(`${dashboard.url}agents/alice/turns/${idOf("f")}`);
  await page.getByRole("alert").getByText("There is no such turn. Look at the list.").waitFor();
  await page.getByRole("link", { name: "All turns of alice" }).click();
  await page.getByText("None yet.").waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
});

test("an agent whose newest version failed says so until main is put back, which is one click, and lists its versions", async () => {
  await using dashboard = await start();
  const { hived } = dashboard;
  const [runs, wanted] = ["a".repeat(40), "b".repeat(40)];
  const version = (number: number, row: Record<string, unknown>) =>
    AgentVersion.parse({
      number,
      commit: runs,
      tree: runs,
      at: 1,
      state: "ready",
      problem: null,
      approvals: [],
      ...row,
    });
  const proposal = {
    number: 7,
    submitter: "manager",
    summary: "Shorter",
    url: "http://127.0.0.1:3000/7",
    isApproved: true,
  };
  const failed = { state: "failed", problem: "It ended with code 1.", approvals: [proposal] };
  hived.versions = [version(2, failed), version(1, {})];
  const difference = "Version 2, which main wants, is not what runs. It ended with code 1.";
  hived.publish(agentFact({ runningTree: runs, wantedTree: wanted, deployment: 1, difference }));
  const page = await dashboard.open();
  const card = page.getByRole("article", { name: "alice", exact: true });
  await card.getByText(difference).waitFor();
  const revert = card.getByRole("button", { name: "Put alice on main back to the version that runs" });
  await revert.click();
  await card.getByRole("button", { name: "Put main back?" }).click();
  await expect.poll(() => hived.verbs).toEqual([{ name: "revertAgent", request: { agent: "alice" } }]);
  await card.getByRole("heading").getByRole("link").click();
  const versions = page.getByRole("region", { name: "Versions of alice" }).getByRole("listitem");
  expect(await versions.first().textContent()).toMatch(
    /^2failedShorter.*#7 of manager, approved.*It ended with code 1\.$/,
  );
  expect(await versions.last().textContent()).toMatch(/^1runsAs main had itwithout a pull request/);
  hived.versions = [version(3, { approvals: [{ ...proposal, number: 8, submitter: "system" }] }), ...hived.versions];
  hived.publish(agentFact({ runningTree: runs, wantedTree: runs, deployment: 3 }));
  await versions.first().getByText("#8 of the hive, approved").waitFor();
  expect(await revert.count()).toBe(0);
  expect(dashboard.complaints).toEqual([]);
});

test("an agent's row shows what went wrong, and tries its loop", async () => {
  await using dashboard = await start();
  const { hived } = dashboard;
  const canary = { id: `canary-${"1".repeat(32)}`, sentAt: 1, hops: {}, problem: "Its loop did not ask for work." };
  const launch = `launch-${"1".repeat(32)}`;
  hived.publish(
    agentFact({
      launch,
      deadLetters: 2,
      failedTurns: 3,
      lostWakes: 1,
      lostWakeAt: 1,
      canary: { ...canary, state: "failed" },
    }),
  );
  const page = await dashboard.open();
  const troubles = page.getByRole("list", { name: "Troubles of alice" });
  await troubles.getByText("2 dead letters to it").waitFor();
  await troubles.getByText("Its last 3 turns failed").waitFor();
  await troubles.getByText("It did not wake up once").waitFor();
  const card = page.getByRole("article", { name: "alice", exact: true });
  await card.getByText("Its loop did not ask for work.").waitFor();
  await page.getByText("1 in trouble").waitFor();
  await card.getByRole("button", { name: "Try whether alice wakes up" }).click();
  await expect.poll(() => hived.verbs.at(-1)).toEqual({ name: "sendCanary", request: { agent: "alice" } });
  hived.publish(agentFact({ launch, canary: { ...canary, state: "well", hops: { answered: 3.2 }, problem: null } }));
  await card.getByText("answered in 4 ms").waitFor();
  await troubles.waitFor({ state: "detached" });
  expect(dashboard.complaints).toEqual([]);
});

test("the pages work by keyboard, and on a phone without scrolling sideways", async () => {
  const long = "w".repeat(300);
  await using dashboard = await start();
  const { hived } = dashboard;
  hived.held = [heldMessage({ now: { delivery: entryOf({ problem: long }), beginning: long } })];
  hived.show({ kind: "text", text: long }, { kind: "tool", id: "1", title: long, status: "completed" });
  hived.publish(agentFact({ problem: long }), turnFact({ ...ended, id: idOf("a"), problem: long, session: long }));
  const page = await dashboard.open(390);
  await page.getByRole("heading", { name: "alice" }).getByRole("link").press("Enter");
  await turns(page).first().waitFor();
  expect(await page.evaluate("document.activeElement.tagName")).toBe("MAIN");
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  await turns(page).first().getByRole("link").press("Enter");
  await page.getByRole("log").getByText(long).first().waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  await page.keyboard.press("Tab");
  expect(await page.locator(":focus").textContent()).toBe("All turns of alice");
});
