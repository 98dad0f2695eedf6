import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { EpochMs } from "../../src/contract/names.ts";
import { Pair } from "../../src/contract/pair.ts";
import { agentFact, approvalFact, entryFact, messageFact, questionFact } from "./rows.ts";
import { dashboards } from "./start-dashboard.ts";

const start = dashboards();
const region = (page: Page, name: string | RegExp) => page.getByRole("region", { name });

test("a one-time link lets the operator in, and its secret is neither in the address nor in the history", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  expect(page.url()).toBe(dashboard.url);
  expect(dashboard.hived.signIns).toHaveLength(1);
  await page.reload();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(dashboard.hived.signIns).toHaveLength(1);
  await page.goBack();
  expect(page.url()).toBe("about:blank");
  expect(dashboard.complaints).toEqual([]);
});

test("an approval appears by an event, and goes its way, without a reload", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  await page.getByText("Nothing waits for you.").waitFor();
  const calls = dashboard.hived.calls;
  dashboard.hived.publish(approvalFact({ state: "opened" }), approvalFact({ state: "waiting" }));
  const card = region(page, "Needs you 1").getByRole("article", { name: "Propose alice" });
  await card.getByText("waits for your review").waitFor();
  expect(await card.getByRole("list").first().textContent()).toContain("reaches the whole network");
  expect(await card.getByRole("link", { name: "Review in the forge" }).getAttribute("href")).toBe(
    "http://127.0.0.1:3000/hive/agents/pulls/7",
  );
  expect(await page.title()).toBe("(1) Hyperhive");
  dashboard.hived.publish(approvalFact({ state: "preparing" }), approvalFact({ state: "deployed" }));
  await page.getByText("Nothing waits for you.").waitFor();
  await region(page, "Approvals").getByText("deployed").waitFor();
  expect(await page.title()).toBe("Hyperhive");
  expect(dashboard.hived.calls).toBe(calls);
  expect(dashboard.complaints).toEqual([]);
});

test("an approval is given on the page for the head that it shows, and denied with a reason", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(approvalFact({}));
  const card = region(page, "Needs you").getByRole("article", { name: "Propose alice" });
  const { verbs } = dashboard.hived;
  await card.getByRole("button", { name: "Approve #7" }).click();
  const confirm = card.getByRole("button", { name: `Approve ${"a".repeat(10)}?` });
  await confirm.waitFor();
  const head = "b".repeat(40);
  dashboard.hived.publish(approvalFact({ head })); // pushed before it was confirmed: it is asked anew
  await confirm.waitFor({ state: "detached" });
  await card.getByRole("button", { name: "Approve #7" }).click();
  await card.getByRole("button", { name: `Approve ${head.slice(0, 10)}?` }).click();
  await expect.poll(() => verbs).toEqual([{ name: "approve", request: { number: 7, head } }]);
  await card.getByRole("button", { name: "Deny #7" }).click();
  await card.getByText("A denial needs a reason.").waitFor();
  await card.getByRole("textbox", { name: "Why #7 is denied" }).fill("One is enough.");
  await card.getByRole("button", { name: "Deny #7" }).click();
  await expect.poll(() => verbs.at(-1)).toEqual({ name: "deny", request: { number: 7, reason: "One is enough." } });
  dashboard.hived.publish(approvalFact({ head, submitter: "operator" })); // nobody approves an own one
  await card.getByRole("button", { name: "Approve #7" }).waitFor({ state: "detached" });
  expect(dashboard.complaints).toEqual([]);
});

test("agents, messages with their delivery states, and questions are live", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(
    agentFact({ state: "converging" }),
    messageFact({ body: "The index is ready." }),
    entryFact({ state: "queued" }),
    questionFact({ options: ["British", "American"] }),
  );
  const agent = page.getByRole("article", { name: "alice", exact: true });
  await agent.getByText("converging").waitFor();
  const message = page.getByRole("listitem").filter({ hasText: "The index is ready." });
  await message.getByText("queued").waitFor();
  await page.getByRole("article", { name: "alice asks" }).getByText("American").waitFor();
  dashboard.hived.publish(
    agentFact({ state: "parked", problem: "The model is rate limited." }),
    entryFact({ state: "dead", attempt: 3, failures: 3, problem: "it crashed three times" }),
    questionFact({ state: "closed", closedAt: 5 }),
  );
  await agent.getByText("The model is rate limited.").waitFor();
  await message.getByText("dead letter").waitFor();
  await message.getByText("it crashed three times").waitFor();
  await region(page, "Questions").getByText("closed").waitFor();
  await page.getByRole("radio", { name: "Dead 1" }).check();
  await message.waitFor();
  await page.getByRole("radio", { name: "To you" }).check();
  await message.waitFor({ state: "detached" });
});

test("the operator cancels an agent's turn; between turns its conversation and its model are changed", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(
    agentFact({ state: "working", turn: `turn-${"1".repeat(32)}`, launch: `launch-${"1".repeat(32)}` }),
  );
  const press = async (label: string, question?: string) => {
    await page.getByRole("button", { name: label }).click();
    if (question !== undefined) await page.getByRole("button", { name: question }).click();
  };
  await press("Cancel the turn of alice and queue its messages again", "Cancel it, and begin anew?");
  await expect.poll(() => dashboard.hived.verbs.at(-1)?.request).toEqual({ agent: "alice", requeues: true });
  dashboard.hived.publish(agentFact({ state: "idle", turn: null, launch: `launch-${"1".repeat(32)}` }));
  await press("Have alice make its conversation smaller");
  await press("Have alice begin a new conversation", "Forget its conversation?");
  await page.getByLabel("Model for alice").fill("opus");
  await press("Have alice use this model");
  const changes = [{ kind: "compact" }, { kind: "new" }, { kind: "model", model: "opus" }];
  await expect
    .poll(() => dashboard.hived.verbs.slice(1).map(({ request }) => request))
    .toEqual(changes.map((change) => ({ agent: "alice", change })));
  expect(dashboard.complaints).toEqual([]);
});

test("the operator tries a dead letter again, cancels what waits, and marks mail as read", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(
    messageFact({ id: 1, body: "Index it." }),
    entryFact({ id: 1, message: 1, state: "dead", failures: 5, problem: "it crashed" }),
    messageFact({ id: 2, to: "operator", body: "The index is ready." }),
    entryFact({ id: 2, message: 2, recipient: "operator" }),
  );
  const letter = page.getByRole("listitem").filter({ hasText: "Index it." });
  await letter.getByRole("button", { name: "Deliver it to manager once more" }).click();
  await letter.getByText("queued").waitFor();
  await letter.getByRole("button", { name: "Do not deliver it to manager" }).click();
  await letter.getByText("cancelled").waitFor();
  const mail = page.getByRole("listitem").filter({ hasText: "The index is ready." });
  await mail.getByRole("button", { name: "Mark read" }).click();
  await mail.getByText("read", { exact: true }).waitFor();
  expect(dashboard.hived.verbs.map(({ name }) => name)).toEqual(["retryEntry", "cancelEntry", "markRead"]);
  expect(dashboard.complaints).toEqual([]);
});

test("a question is answered on the page, by its options and in words, and goes once it is", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(questionFact({ options: ["British, of course", "American"], multi: true }));
  const card = page.getByRole("article", { name: "alice asks" });
  await card.getByRole("checkbox", { name: "American" }).check();
  await card.getByRole("checkbox", { name: "British, of course" }).check();
  await card.getByRole("textbox").fill("or both");
  await card.getByRole("button", { name: "Answer question 4" }).click();
  await card.waitFor({ state: "detached" });
  expect(dashboard.hived.verbs.at(-1)).toEqual({
    name: "answerQuestion",
    request: { question: 4, answer: "British, of course\nAmerican\n\nor both" },
  });
  expect(dashboard.complaints).toEqual([]);
});

test("agents that may be in a loop, and a parked one, are shown with the button that lets them go on", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  const restsUntil = EpochMs.parse(Date.now() + 3_600_000);
  dashboard.hived.publish(
    { kind: "PairChanged", pair: Pair.parse({ one: "alice", other: "bob", restsUntil }) },
    agentFact({ state: "parked", problem: "It has to be logged in." }),
  );
  await page.getByText("alice and bob have written to each other too often").waitFor();
  await page.getByRole("button", { name: "Let them write again" }).click();
  await page.getByText("alice and bob have written").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Let it go on now" }).click();
  await expect.poll(() => dashboard.hived.verbs.at(-1)).toEqual({ name: "unparkAgent", request: { agent: "alice" } });
  expect(dashboard.complaints).toEqual([]);
});

test("an agent that is not signed in is, by a link and a code or with a secret, and the page keeps neither", async () => {
  await using dashboard = await start();
  dashboard.hived.publish(
    agentFact({ state: "parked", problem: "Not logged in.", signsIn: true, signsInByLink: true }),
  );
  const page = await dashboard.open();
  await page.getByRole("heading", { name: "alice" }).getByRole("link").click();
  await page.getByRole("button", { name: "Get a link to sign alice in" }).click();
  const link = page.getByRole("link", { name: "Sign in there" });
  expect(await link.getAttribute("href")).toBe("https://claude.example/authorize");
  await page.getByLabel("Code to sign alice in", { exact: true }).fill("the#code");
  await page.getByRole("button", { name: "Code to sign alice in: use it" }).click();
  await link.waitFor({ state: "detached" });
  const secret = page.getByLabel("Secret to sign alice in", { exact: true });
  await secret.fill("sk-ant-secret");
  await page.getByRole("button", { name: "Secret to sign alice in: use it" }).click();
  await expect.poll(() => secret.inputValue()).toBe("");
  const steps = [{ kind: "link" }, { kind: "code", code: "the#code" }, { kind: "secret", secret: "sk-ant-secret" }];
  expect(dashboard.hived.verbs).toEqual(
    steps.map((step) => ({ name: "loginAgent", request: { agent: "alice", step } })),
  );
  dashboard.hived.publish(agentFact({ signsIn: true })); // of another coding agent by now, which has no link
  await page.getByRole("button", { name: "Get a link to sign alice in" }).waitFor({ state: "detached" });
  expect(await secret.count()).toBe(1);
  expect(dashboard.complaints).toEqual([]);
});

test("a database that can't be written is told on every page, with since when, until it can be again", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  const problem = "The disk of the hive is full, so nothing can be stored.";
  dashboard.hived.trouble({ problem, since: EpochMs.parse(Date.now() - 3 * 60_000) });
  const line = page.getByRole("alert").filter({ hasText: problem });
  await line.getByText("3 min ago").waitFor();
  dashboard.hived.trouble(null);
  await line.waitFor({ state: "detached" });
  expect(dashboard.complaints).toEqual([]);
});

test("what can't be undone is asked before it is done, and a refusal stands beside its button", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(
    agentFact({}),
    messageFact({ to: "alice" }),
    entryFact({ recipient: "alice" }),
    messageFact({ id: 2, to: "alice" }),
    entryFact({ id: 2, message: 2, recipient: "alice" }),
  );
  const card = page.getByRole("article", { name: "alice", exact: true });
  await card.getByRole("button", { name: "Cancel all queued" }).click();
  expect(dashboard.hived.verbs).toEqual([]);
  dashboard.hived.refuseVerbs = true;
  await card.getByRole("button", { name: "Cancel all that waits for alice?" }).click();
  await card.getByRole("alert").getByText("Not now. Try later.").waitFor();
  expect(dashboard.complaints.filter((text) => !text.includes("422"))).toEqual([]);
});

test("a connection that breaks is resumed after the last event that was seen, and no state is read again", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(agentFact({}));
  await page.getByRole("heading", { name: "alice" }).waitFor();
  const calls = dashboard.hived.calls;
  dashboard.breakConnections();
  await page.getByText("Reconnecting").waitFor();
  dashboard.hived.publish(agentFact({ name: "bob" }));
  await page.getByRole("heading", { name: "bob" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(dashboard.hived.calls).toBe(calls);
  expect(dashboard.hived.watching.map(({ after }) => after)).toEqual([0, 1]);
});

test("a page that comes back too late is told to resync, and begins anew with the state", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish(agentFact({}));
  await page.getByRole("heading", { name: "alice" }).waitFor();
  const calls = dashboard.hived.calls;
  dashboard.hived.oldest = 3;
  dashboard.breakConnections();
  dashboard.hived.publish(agentFact({ state: "working" }), agentFact({ name: "bob" }), agentFact({ name: "carol" }));
  await page.getByRole("heading", { name: "carol" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(dashboard.hived.calls).toBe(calls + 1);
  dashboard.hived.publish(agentFact({ name: "dora" }));
  await page.getByRole("heading", { name: "dora" }).waitFor();
});

test("a page says so while hived does not answer, and goes on by itself", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  await dashboard.hived.stop();
  await page.getByText("Not connected to the hive.").waitFor();
  dashboard.hived.publish(agentFact({}));
  await dashboard.hived.start();
  await page.getByRole("heading", { name: "alice" }).waitFor();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(await page.getByText("Not connected to the hive.").count()).toBe(0);
});

test("a page that is opened while hived does not answer waits for it", async () => {
  await using dashboard = await start();
  await dashboard.hived.stop();
  const page = await dashboard.visit(dashboard.link);
  await page.getByRole("heading", { name: "Waiting for the hive" }).waitFor();
  await dashboard.hived.start();
  await page.getByText("Live", { exact: true }).waitFor();
});

test("a page that is older than the hive says so, and asks to be loaded again", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  dashboard.hived.publish({ kind: "FromTheFuture" } as never);
  const alert = page.getByRole("alert").filter({ hasText: "This page is older than the hive" });
  await alert.getByRole("button", { name: "Load it again" }).waitFor();
});

test("a link that was used before says so, and where the next one comes from", async () => {
  await using dashboard = await start();
  const page = await dashboard.visit(`${dashboard.url}#sign-in=${"x".repeat(43)}`);
  await page.getByRole("heading", { name: "This did not let you in" }).waitFor();
  expect(await page.getByRole("alert").textContent()).toBe("This link is used up. Get another.");
  expect(await page.getByRole("main").textContent()).toContain("npm start");
  expect(page.url()).toBe(dashboard.url);
});

test("who is not signed in is told how to get in, and a link that is pasted over that page lets in", async () => {
  await using dashboard = await start();
  const page = await dashboard.visit(dashboard.url);
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await page.goto(dashboard.link);
  await page.getByText("Live", { exact: true }).waitFor();
  expect(page.url()).toBe(dashboard.url);
});

test("a used link does not lock out who is signed in", async () => {
  await using dashboard = await start();
  const page = await dashboard.open();
  await page.goto(`${dashboard.url}#sign-in=${"x".repeat(43)}`);
  await expect.poll(() => dashboard.hived.signIns.length).toBe(2);
  await page.getByText("Live", { exact: true }).waitFor();
});

test("who signs out sees nothing any more", async () => {
  await using dashboard = await start();
  dashboard.hived.publish(agentFact({}));
  const page = await dashboard.open();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "You are not signed in" }).waitFor();
  expect(await page.getByText("alice").count()).toBe(0);
});

test("what agents write stays text, wherever it stands, and leads nowhere but to http", async () => {
  const hostile = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
  await using dashboard = await start();
  dashboard.hived.publish(
    approvalFact({ summary: hostile, problem: hostile, permissions: [hostile], url: "javascript:alert(3)" }),
    agentFact({ state: "failed", problem: hostile }),
    messageFact({ body: `${hostile}\u202e` }),
    entryFact({ state: "dead", problem: hostile }),
    questionFact({ question: hostile, options: [hostile], url: "javascript:alert(4)" }),
    { kind: "Note", text: hostile },
  );
  const page = await dashboard.open();
  await page.getByRole("heading", { name: hostile }).waitFor();
  await page.getByText("⟨U+202E⟩").waitFor();
  expect(await page.locator("#root img, #root script").count()).toBe(0);
  expect(await page.locator('a[href^="javascript"]').count()).toBe(0);
  expect(await page.getByRole("link", { name: "Review in the forge" }).count()).toBe(0);
  expect(dashboard.complaints).toEqual([]);
});

test("a phone needs no scrolling sideways, however long a word is", async () => {
  const long = "w".repeat(300);
  await using dashboard = await start();
  dashboard.hived.publish(
    approvalFact({ summary: long, problem: long, permissions: [long] }),
    agentFact({ name: `a${"b".repeat(30)}`, state: "failed", problem: long }),
    messageFact({ from: `a${"b".repeat(30)}`, to: "operator", body: long }),
    entryFact({ recipient: "operator", problem: long }),
    questionFact({ question: long, options: [long] }),
    { kind: "Note", text: long },
  );
  const page = await dashboard.open(390);
  await page.getByRole("heading", { name: long }).waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
});

test("the keyboard reaches what needs the operator at once", async () => {
  await using dashboard = await start();
  dashboard.hived.publish(approvalFact({}));
  const page = await dashboard.open();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  expect(await page.locator(":focus").textContent()).toContain("Review in the forge");
});
