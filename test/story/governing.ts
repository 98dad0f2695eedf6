/** The operator governs in the forge's own pages; the dashboard, which is open all the while, follows by itself. */
import { join } from "node:path";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { expect } from "vitest";
import type { Approval } from "../../src/contract/approval.ts";
import type { Question } from "../../src/contract/question.ts";
import { callTool } from "../support/mcp-client.ts";
import type { Hive } from "../support/start-hive.ts";
import { forgePages } from "./forge-pages.ts";
import { proposalOf } from "./outcome.ts";
import { openProposals } from "./proposals.ts";
import type { Tour } from "./tour.ts";

/** `page`: the dashboard's */
type Desk = { hive: Hive; tour: Tour; context: BrowserContext; page: Page };

const region = ({ page }: Desk, name: string): Locator => page.getByRole("region", { name: new RegExp(`^${name}`) });

/** Opens what the forge has at an address, in a tab of its own that is closed afterwards. */
async function inForge({ context }: Desk, url: string | null, act: (page: Page) => Promise<void>): Promise<void> {
  const page = await context.newPage();
  await page.goto(url ?? "");
  await act(page);
  await page.close();
}

/** Asks for changes; the manager proposes again. @returns the new version, once it waits */
export async function askForChanges(desk: Desk, approval: Approval): Promise<Approval> {
  const { hive, tour } = desk;
  const pages = forgePages[hive.kind];
  await hive.hold("hive-runner"); // so that nothing is over before it was seen
  await inForge(desk, approval.url, async (page) => {
    await pages.openFiles(page);
    await pages.requestChanges(page, "Write short sentences.");
  });
  const card = region(desk, "Approvals").getByRole("article", { name: approval.summary, exact: true });
  await card.locator('[aria-current="step"]').filter({ hasText: "changes requested" }).waitFor();
  await hive.letGo("hive-runner");
  await hive.until(({ approvals }) =>
    approvals.some(
      ({ number, head, state }) => number === approval.number && head !== approval.head && state === "waiting",
    ),
  );
  return proposalOf(hive, tour.worker);
}

/** Answers what the worker has asked by a ticked box, and what it asks then by a comment. */
export async function answerQuestions(desk: Desk): Promise<void> {
  const { hive, tour } = desk;
  const pages = forgePages[hive.kind];
  const [option = ""] = tour.question.options;
  await answer(desk, tour.question.question, option, async (page) => {
    await pages.tick(page, option);
    await pages.close(page);
  });
  const { launch } = hive.now.agents.find(({ name }) => name === tour.worker) ?? {};
  const asked = { to: "operator", question: "And at which hour?" };
  await callTool(join(hive.sockets.launches, launch ?? "", "mcp.sock"), "ask", asked);
  await answer(desk, asked.question, "At noon.", (page) => pages.comment(page, "/answer At noon."));
}

async function answer(desk: Desk, asked: string, answer: string, act: (page: Page) => Promise<void>): Promise<void> {
  const { hive } = desk;
  const find = (state: Question["state"]) =>
    hive.until(({ questions }) => questions.find((row) => row.question === asked && row.state === state));
  const open = await find("open");
  const card = region(desk, "Needs you").getByRole("article").filter({ hasText: asked });
  await card.waitFor();
  await inForge(desk, open.url, act);
  expect(await find("closed")).toMatchObject({ outcome: "answered", answer, answeredBy: "operator" });
  await card.waitFor({ state: "detached" });
  await region(desk, "Questions").getByRole("listitem").filter({ hasText: asked }).getByText("closed").waitFor();
}

/** Closes a proposal with a word, without merging it. */
export async function denyProposal(desk: Desk): Promise<void> {
  const { hive, tour } = desk;
  const proposals = openProposals(hive, tour);
  const approval = await proposals.propose("second-hand", proposals.workerFiles);
  const { summary } = approval;
  await region(desk, "Needs you").getByRole("article", { name: summary, exact: true }).waitFor();
  await inForge(desk, approval.url, (page) => forgePages[hive.kind].close(page, "One is enough."));
  const row = region(desk, "Approvals").getByRole("listitem").filter({ hasText: summary });
  await row.getByText("denied").waitFor();
  await row.getByText("One is enough.").waitFor();
  await proposals.told(approval, /it was closed without being merged/);
}
