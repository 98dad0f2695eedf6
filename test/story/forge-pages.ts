/** What the operator does in a forge's own pages: where the two forges differ, and nothing else. */
import { readFileSync } from "node:fs";
import type { Locator, Page } from "playwright-core";
import type { ForgeKind, Hive } from "../support/start-hive.ts";

export type ForgePages = {
  /** Signs in as what `hive up` has printed says. @param link the forge's of the links */
  signIn(page: Page, link: string, hive: Hive): Promise<void>;
  /** where a pull request's page says that the operator's review is asked for */
  reviewRequest(page: Page): Locator;
  openFiles(page: Page): Promise<void>;
  /** Approves on the page of the changed files, and waits until the page says so. */
  approve(page: Page): Promise<void>;
  /** The same, but asks for changes. */
  requestChanges(page: Page, words: string): Promise<void>;
  /** Ticks the box of an option in an issue's text, and waits until that is saved. */
  tick(page: Page, option: string): Promise<void>;
  comment(page: Page, words: string): Promise<void>;
  /** Closes an issue or a pull request on its page, with a comment if there is one, and waits until the page says so. */
  close(page: Page, words?: string): Promise<void>;
};

/** Forgejo's script takes the panel out of the page until its button is pressed: pressed before that, it opens nothing. */
async function openReview(page: Page): Promise<void> {
  await page.locator(".review-box-panel").waitFor({ state: "detached" });
  await page.locator("#review-box .js-btn-review").click();
}

export const forgePages: Record<ForgeKind, ForgePages> = {
  embedded: {
    async signIn(page, link) {
      await page.goto(link);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("button", { name: "Sign out" }).waitFor();
    },
    reviewRequest: (page) => page.getByText("asked operator for a review"),
    openFiles: (page) => page.getByRole("link", { name: "Files changed" }).click(),
    async approve(page) {
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByText("approved these changes").first().waitFor();
    },
    async requestChanges(page, words) {
      await page.getByLabel("Review", { exact: true }).fill(words);
      await page.getByRole("button", { name: "Request changes" }).click();
      await page.getByText("requested changes").first().waitFor();
    },
    async tick(page, option) {
      await page.getByRole("checkbox", { name: option }).check();
      await page.getByRole("button", { name: "Save what is ticked" }).click();
      await page.locator("input[name=box][checked]").waitFor();
    },
    async comment(page, words) {
      await page.getByLabel("Comment", { exact: true }).fill(words);
      await page.getByRole("button", { name: "Comment", exact: true }).click();
      await page.locator(".thread").getByText(words).waitFor();
    },
    async close(page, words = "") {
      await page.getByLabel("Comment", { exact: true }).fill(words);
      await page.getByRole("button", { name: /^Close / }).click();
      await page.getByRole("button", { name: /^Reopen / }).waitFor();
    },
  },
  managed: {
    async signIn(page, link, hive) {
      const [, file = ""] = /first password in (\S+)$/m.exec(hive.output) ?? [];
      await page.goto(`${link}/user/login`);
      await page.locator("#user_name").fill("operator");
      await page.locator("#password").fill(readFileSync(file, "utf8").trim());
      await page.locator("#password").press("Enter");
      await page.locator('[data-url="/user/logout"]').waitFor({ state: "attached" });
    },
    reviewRequest: (page) => page.getByText("requested review from operator"),
    openFiles: (page) => page.getByRole("link", { name: "Files changed" }).click(),
    async approve(page) {
      await openReview(page);
      await page.locator('.review-box-panel button[value="approve"]').click();
      await page.getByText("approved these changes").first().waitFor();
    },
    async requestChanges(page, words) {
      await openReview(page);
      await page.locator(".review-box-panel textarea").fill(words);
      await page.locator('.review-box-panel button[value="reject"]').click();
      await page.getByText("requested changes").first().waitFor();
    },
    async tick(page, option) {
      const saved = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.ok());
      await page.locator("li", { hasText: option }).getByRole("checkbox").click();
      await saved;
    },
    async comment(page, words) {
      await page.locator("#comment-form textarea").fill(words);
      await page.locator("#comment-form").getByRole("button", { name: "Comment", exact: true }).click();
      await page.locator(".comment-list").getByText(words).first().waitFor();
    },
    async close(page, words = "") {
      await page.locator("#comment-form textarea").fill(words);
      await page.locator("#status-button").click();
      await page.locator('#status-button[value="reopen"]').waitFor();
    },
  },
};
