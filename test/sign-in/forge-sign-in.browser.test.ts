/** The operator enters the dashboard with its account on the forge, in a real browser and through every process. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { complaintsOf, launchBrowser } from "../support/browser.ts";
import { type Hive, hives } from "../support/start-hive.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function signInOnForge(page: Page, hive: Hive): Promise<void> {
  const password = readFileSync(join(hive.home, "hived/secrets/operator-password"), "utf8").trim();
  await page.locator("#user_name").fill("operator");
  await page.locator("#password").fill(password);
  await page.locator("#password").press("Enter");
}

test.for(hives)("the operator signs in to the dashboard with its account on $name", async ({ open }) => {
  await using hive = open();
  const { dashboard } = await hive.up();
  const { origin } = new URL(dashboard);
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints = complaintsOf(page);
  await page.goto(origin);
  await page.getByRole("button", { name: "Sign in with the forge" }).click();
  await signInOnForge(page, hive);
  await page.getByRole("button", { name: /^(Allow and sign in|Authorize Application)$/ }).click();
  await page.getByText("Live", { exact: true }).waitFor();
  expect(page.url()).toBe(`${origin}/`);
  const cookies = (await context.cookies(origin)).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }));
  expect(cookies).toEqual([{ name: "hive-session", httpOnly: true, sameSite: "Strict" }]);

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with the forge" }).click(); // allowed before: there and back at once
  await page.getByText("Live", { exact: true }).waitFor();
  // "not signed in" is an answer of 401, which a browser writes down as an error
  expect(complaints.filter((text) => !text.includes("401"))).toEqual([]);
  await context.close();
});
