/** The pages in a real browser, with its scripts switched off: what a person sees and presses. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneAs } from "../forge-contract/git-client.ts";
import { launchBrowser } from "../support/browser.ts";
import { expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** Alice has proposed a file; the operator's browser is signed in by a one-time link. */
async function operatorsPage(forge: TestForge, width = 1280): Promise<Page> {
  const token = await forge.userToken("alice", { restricted: true });
  await forge.user("operator");
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["alice"] },
    writers: { level: "write", members: ["operator"] },
  });
  const clone = await cloneAs(forge, "acme/docs", token);
  await clone.commit(
    "guide.md",
    `# Guide\n\nAsk first. ${"Then wait and ask once more. ".repeat(20)}\n`,
    "Write a guide",
  );
  await clone.propose("guide");
  const { body } = await expectStatus(201, forge.admin.post("/api/embedded/sign-in-links", { user: "operator" }));
  const context = await browser.newContext({ viewport: { width, height: 800 }, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(body.url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No pull request waits for your review.").waitFor();
  return page;
}

test("the operator signs in by the link, finds the pull request, reads it and approves it", async () => {
  await using forge = await startTestForge();
  const page = await operatorsPage(forge);
  await page.getByRole("link", { name: "acme/docs" }).click();
  await page.getByRole("link", { name: "Pull requests" }).click();
  await page.getByRole("link", { name: "Write a guide" }).click();
  await page.getByRole("link", { name: "Files changed" }).click();
  await page.getByText("Ask first.").waitFor();
  await page.getByRole("textbox", { name: "Review" }).fill("Good.");
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("approved these changes").waitFor();
  const { body } = await forge.admin.get("/repos/acme/docs/pulls/1/reviews");
  expect(body).toMatchObject([{ state: "APPROVED", user: { login: "operator" }, body: "Good." }]);
  await page.context().close();
});

test("a line is commented on and the changes are requested with the keyboard alone", async () => {
  await using forge = await startTestForge();
  const page = await operatorsPage(forge);
  await page.goto(`${forge.url}/acme/docs/pulls/1/files`);
  await page.getByRole("link", { name: "Comment on line 3" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: "Comment on line 3" }).waitFor();
  await page.keyboard.type("Whom?");
  await page.getByRole("button", { name: "Start review" }).press("Enter");
  await page.getByText("1 pending comment on lines").waitFor();
  await page.getByRole("textbox", { name: "Review" }).fill("One question.");
  await page.getByRole("button", { name: "Request changes" }).press("Enter");
  await page.getByText("requested changes", { exact: false }).first().waitFor();
  await page.getByText("guide.md, line 3").waitFor();
  await page.context().close();
});

test("a pull request is renamed, labelled and assigned with the keyboard alone", async () => {
  await using forge = await startTestForge();
  const page = await operatorsPage(forge);
  await expectStatus(201, forge.admin.post("/repos/acme/docs/labels", { name: "urgent", color: "b02a2a" }));
  await page.goto(`${forge.url}/acme/docs/pulls/1`);
  await page.getByRole("link", { name: "Change labels" }).press("Enter");
  await page.getByRole("checkbox", { name: "urgent" }).press("Space");
  await page.getByRole("checkbox", { name: "alice" }).press("Space");
  await page.getByRole("textbox", { name: "Title" }).fill("A guide");
  await page.getByRole("textbox", { name: "Title" }).press("Enter");
  await page.getByRole("heading", { name: "A guide #1" }).waitFor();
  const { body } = await forge.admin.get("/repos/acme/docs/pulls/1");
  expect(body).toMatchObject({ title: "A guide", labels: [{ name: "urgent" }], assignees: [{ login: "alice" }] });
  await page.context().close();
});

test("an address that names a comment on an earlier page of its thread leads to it", async () => {
  await using forge = await startTestForge();
  const page = await operatorsPage(forge);
  const first = (await expectStatus(201, forge.admin.post("/repos/acme/docs/issues/1/comments", { body: "The first" })))
    .body;
  for (let left = 201; left > 0; left -= 1)
    await expectStatus(201, forge.admin.post("/repos/acme/docs/issues/1/comments", { body: "More" }));
  await page.goto(first.html_url);
  await page.getByRole("link", { name: "Go to the comment" }).press("Enter");
  await page.getByText("The first").waitFor();
  expect(new URL(page.url()).search).toBe("?page=1");
  await page.goto(`${forge.url}/acme/docs/issues/1/comments/${first.id}`);
  expect(page.url()).toBe(`${forge.url}/acme/docs/pulls/1?page=1#issuecomment-${first.id}`);
  await page.getByText("The first").waitFor();
  await page.context().close();
});

test("no page is wider than a phone's window", async () => {
  await using forge = await startTestForge();
  const page = await operatorsPage(forge, 360);
  const paths = ["/", "/acme/docs", "/acme/docs/pulls", "/acme/docs/pulls/1", "/acme/docs/pulls/1/files", "/user/none"];
  for (const path of [...paths, "/acme/docs/src/branch/main/README.md", "/acme/docs/commits/branch/main"]) {
    await page.goto(`${forge.url}${path}`);
    const box = await page.getByRole("main").boundingBox();
    expect(box?.width, path).toBeLessThanOrEqual(360);
    expect(await page.locator("body").evaluate((body) => body.scrollWidth), path).toBeLessThanOrEqual(360);
  }
  await page.context().close();
});
