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
};

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
      await page.locator("#review-box .js-btn-review").click();
      await page.locator('.review-box-panel button[value="approve"]').click();
      await page.getByText("approved these changes").first().waitFor();
    },
  },
};
