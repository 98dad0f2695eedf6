/** The story that must work: from nothing to a governed hive, as the operator sees it in a browser. */
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Approval } from "../../src/contract/approval.ts";
import { inert } from "../../src/hived/approvals/comment.ts";
import { complaintsOf, launchBrowser } from "../support/browser.ts";
import { type Hive, hives, type Links } from "../support/start-hive.ts";
import { forgePages } from "./forge-pages.ts";
import { answerQuestions, askForChanges, denyProposal } from "./governing.ts";
import { inventory } from "./inventory.ts";
import {
  expectDeployed,
  expectFirstDay,
  expectThreads,
  mainOf,
  proposalOf,
  quiet,
  reportOf,
  statusOf,
  verdictsOf,
} from "./outcome.ts";
import { readTour, type Tour } from "./tour.ts";

vi.setConfig({ testTimeout: 300_000 });

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

const stopWithinMs = 5_000;

test.for(hives)(
  "a new hive on $name: its operator governs it in the forge's pages, and the dashboard follows",
  async ({ open }) => {
    await using hive = open();
    const tour = readTour();
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const complaints: string[] = [];
    context.on("page", (opened) => complaintsOf(opened, complaints));

    const links = await upAndHeld(hive, tour);
    const docs = await mainOf(hive, "org-shared/docs");
    const dashboard = await openDashboard(context, links, tour);
    const { page } = dashboard;
    await hive.letGo("hive-runner");
    const first = await proposalOf(hive, tour.worker);
    await seeApproval(page, first);
    await seeOnForge(hive, first);

    await signIn(context, hive, links);
    const desk = { hive, tour, context, page };
    const approval = await askForChanges(desk, first);
    const pull = await openPull(context, page, approval);
    await hive.hold("hive-runner"); // so that nothing is over before it was seen
    await approve(pull, hive, tour, approval);
    await seePreparing(page, approval);
    await hive.letGo("hive-runner");

    await expectDeployed(hive, approval);
    const report = await reportOf(hive, tour);
    await expectFirstDay(hive, tour, docs);
    await expectThreads(hive, tour);
    await quiet(hive);
    await seeDeployed(page, tour, approval);
    await seeFirstDay(page, tour, report.body);
    await answerQuestions(desk);
    await denyProposal(desk);
    expect(complaints).toEqual([]);
    expect(dashboard.asked).toEqual(["/", "/api/signIn", "/api/readState", "/api/events"]);

    await quiet(hive);
    await throughRestart(hive);
    await page.getByText("Live", { exact: true }).waitFor();
    expect(dashboard.asked.filter((path) => path === "/")).toHaveLength(1);
    await context.close();
  },
);

/** Nothing is proposed before the dashboard is looked at: the runner is held as soon as the manager could begin. */
async function upAndHeld(hive: Hive, { manager }: Tour): Promise<Links> {
  const starting = hive.up();
  await Promise.race([
    starting,
    hive.until(({ agents }) => agents.find(({ name, state }) => name === manager && state === "idle")),
  ]);
  await hive.hold("hive-runner");
  return starting;
}

/** Opens the printed link; `asked` is what the page asks hive-web for: a page that is live asks once. */
async function openDashboard(context: BrowserContext, { dashboard }: Links, { manager }: Tour) {
  const page = await context.newPage();
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (request.resourceType() === "document" || pathname.startsWith("/api/")) asked.push(pathname);
  });
  await page.goto(dashboard);
  await page.getByText("Nothing waits for you.").waitFor();
  await page.getByRole("article", { name: manager, exact: true }).getByText("idle").waitFor();
  return { page, asked };
}

const region = (page: Page, name: string) => page.getByRole("region", { name: new RegExp(`^${name}`) });

const approvalCard = (page: Page, { summary }: Approval) =>
  region(page, "Needs you").getByRole("article", { name: summary, exact: true });

async function seeApproval(page: Page, approval: Approval): Promise<void> {
  const card = approvalCard(page, approval);
  await card.getByText("waits for your review").waitFor();
  for (const sentence of approval.permissions) await card.getByText(sentence, { exact: true }).waitFor();
}

/** Status, comment and request for a review, each once. */
async function seeOnForge(hive: Hive, { number, head, permissions }: Approval): Promise<void> {
  expect(await statusOf(hive, head, "hive/validate")).toMatchObject({ status: "success" });
  const verdicts = await verdictsOf(hive, number);
  expect(verdicts).toHaveLength(1);
  for (const sentence of permissions) expect(verdicts[0]).toContain(inert(sentence));
  const pull = await hive.as("operator").call("GET", `/repos/hive/agents/pulls/${number}`);
  expect(pull).toMatchObject({ requested_reviewers: [{ login: "operator" }], base: { ref: "main" } });
}

async function signIn(context: BrowserContext, hive: Hive, { forge }: Links): Promise<void> {
  const page = await context.newPage();
  await forgePages[hive.kind].signIn(page, forge, hive);
  await page.close();
}

/** Follows the dashboard's link, which opens a tab of its own. */
async function openPull(context: BrowserContext, page: Page, approval: Approval): Promise<Page> {
  const opened = context.waitForEvent("page");
  await approvalCard(page, approval).getByRole("link", { name: "Review in the forge" }).click();
  return opened;
}

/** Reads what is proposed and what it would allow, and approves it. */
async function approve(page: Page, hive: Hive, { files }: Tour, { permissions }: Approval): Promise<void> {
  const pages = forgePages[hive.kind];
  await page.getByText("hive/validate").first().waitFor();
  for (const sentence of permissions) await page.getByText(sentence, { exact: true }).last().waitFor();
  await pages.reviewRequest(page).last().waitFor();
  await pages.openFiles(page);
  const lines = files["worker/agent.yaml"].split("\n").filter((line) => line.trim() !== "");
  for (const line of lines) await page.getByRole("cell", { name: line.trim() }).first().waitFor();
  await pages.approve(page);
  await page.close();
}

async function seePreparing(page: Page, { summary }: Approval): Promise<void> {
  const card = region(page, "Approvals").getByRole("article", { name: summary, exact: true });
  await card.locator('[aria-current="step"]').filter({ hasText: "preparing" }).waitFor();
}

async function seeDeployed(page: Page, { worker }: Tour, { summary }: Approval): Promise<void> {
  await region(page, "Approvals").getByRole("listitem").filter({ hasText: summary }).getByText("deployed").waitFor();
  await page.getByRole("article", { name: worker, exact: true }).getByText("idle").waitFor();
}

/** The worker's message with what became of it, its question, and the open threads of both. */
async function seeFirstDay(page: Page, { worker, repo, reviewer, question }: Tour, report: string): Promise<void> {
  const message = region(page, "Messages").getByRole("listitem").filter({ hasText: report });
  await message.getByText("handled", { exact: true }).waitFor();
  const asked = region(page, "Needs you").getByRole("article", { name: `${worker} asks` });
  await asked.getByText(question.question).waitFor();
  for (const option of question.options) await asked.getByText(option, { exact: true }).waitFor();
  const threadsOf = (agent: string) =>
    region(page, "Open threads").getByRole("article", { name: new RegExp(`^${agent} `) });
  await threadsOf(worker).getByText(`opened it in ${worker}/${repo}`).waitFor();
  await threadsOf(worker).getByText("asked you").waitFor();
  await threadsOf(reviewer).getByText(`is to review it in ${worker}/${repo}`).waitFor();
}

/** Ctrl-C and another start: everything is there as it was, and nothing a second time. */
async function throughRestart(hive: Hive): Promise<void> {
  const before = await inventory(hive);
  const launches = new Set(hive.now.agents.map(({ launch }) => launch));
  expect(await hive.stop()).toBeLessThan(stopWithinMs);
  await hive.up();
  await hive.until(({ agents }) => agents.every(({ launch, state }) => state === "idle" && !launches.has(launch)));
  await hive.nothingDue();
  expect(await inventory(hive)).toEqual(before);
}
