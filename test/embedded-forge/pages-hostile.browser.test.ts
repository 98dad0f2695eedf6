/**
 * Text of users on every page, in a browser that may run scripts: no element comes to be from it, nothing runs, and no
 * page becomes wider than a phone.
 */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneAs } from "../forge-contract/git-client.ts";
import { complaintsOf, launchBrowser } from "../support/browser.ts";
import { expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

const WIDTH = 390;
const LONG = "W".repeat(90);
/** Ends an attribute and a tag, begins elements of its own, and is one long word. */
const EVIL = `"'><xss onmouseover=alert(1)>&<img src=x onerror=alert(1)><script>alert(1)<!--${LONG}`;
/** As much of it as a ref may hold. */
const BRANCH = `"'><xss>&<script>${LONG}`;
const FILE = `"'><xss onmouseover=alert(1)>&<img src=x onerror=alert(1)>${LONG}.md`;
const ELEMENTS_OF_USERS = [
  "xss, script, iframe, object, embed, style, base, math, meta[http-equiv]",
  "[style], [onerror], [onload], [onclick], [onmouseover]",
  "img:not([src^='/'])",
  ":is(a, form, button, input)[href^='javascript:' i], [action]:not([action^='/']), [formaction]",
].join(", ");

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** A repository in which everything that a user names or writes is hostile. @returns the addresses of all its pages */
async function hostileForge(forge: TestForge): Promise<string[]> {
  const token = await forge.userToken("bob");
  const bob = forge.withToken(token);
  const person = { full_name: EVIL, description: EVIL, location: EVIL, website: "javascript:alert(1)" };
  await expectStatus(200, forge.admin.patch("/admin/users/bob", person));
  await forge.org("acme", "docs", { writers: { level: "write", members: ["bob"] } });
  await expectStatus(200, forge.admin.patch("/orgs/acme", { description: EVIL }));
  await expectStatus(200, forge.admin.patch("/repos/acme/docs", { description: EVIL }));
  const clone = await cloneAs(forge, "acme/docs", token);
  await clone.commit(
    "README.md",
    `${EVIL}\n\n[${EVIL}](javascript:alert(1)) ![${EVIL}](http://x.invalid/y.png)\n`,
    EVIL,
  );
  await clone.commit(`${FILE}`, `${EVIL}\n`, EVIL);
  const sha = await clone.commit("code.ts", `${EVIL}\n`, `${EVIL}\n\n${EVIL}`);
  await clone.push(`HEAD:refs/heads/${BRANCH}`);
  const text = { title: EVIL, body: EVIL };
  const label = { name: EVIL, color: "ff0000", description: EVIL };
  const { id } = (await expectStatus(201, bob.post("/repos/acme/docs/labels", label))).body;
  const api = "/repos/acme/docs";
  await expectStatus(201, bob.post(`${api}/issues`, { ...text, labels: [id] }));
  const comment = (await expectStatus(201, bob.post(`${api}/issues/1/comments`, { body: EVIL }))).body.id;
  await expectStatus(201, bob.patch(`${api}/issues/1`, { title: `${EVIL}.` }));
  await clone.commit("more", EVIL, EVIL);
  await clone.push(`HEAD:refs/heads/${BRANCH}.more`);
  await expectStatus(201, bob.post(`${api}/pulls`, { ...text, head: BRANCH, base: "main" }));
  const status = { state: "failure", context: EVIL, description: EVIL, target_url: "javascript:alert(1)" };
  await expectStatus(201, bob.post(`${api}/statuses/${sha}`, status));
  const lines = [{ path: FILE, new_position: 1, body: EVIL }];
  await expectStatus(200, bob.post(`${api}/pulls/2/reviews`, { event: "COMMENT", body: EVIL, comments: lines }));
  const wish = { name: EVIL, scopes: ["read:user"] };
  await expectStatus(201, forge.withPassword("bob").post("/users/bob/tokens", wish));
  const app = { name: EVIL, redirect_uris: ["http://x.invalid/"], confidential_client: true };
  const { client_id } = (await expectStatus(201, bob.post("/user/applications/oauth2", app))).body;
  const repo = "/acme/docs";
  const [branch, file, query] = [BRANCH, FILE, EVIL].map(encodeURIComponent);
  const consent = new URLSearchParams({
    client_id,
    redirect_uri: "http://x.invalid/",
    response_type: "code",
    state: EVIL,
  });
  const lists = [
    "/",
    "/acme",
    "/bob",
    "/explore/users",
    "/user/settings/applications",
    `${repo}/issues?q=${query}`,
    `${repo}/pulls`,
  ];
  const files = ["", `/${file}`, `/${file}?display=source`, "/code.ts"].map(
    (at) => `${repo}/src/branch/${branch}${at}`,
  );
  const issues = ["1", "new", "1/edit", `1/comments/${comment}/edit`].map((at) => `${repo}/issues/${at}`);
  const pulls = ["", "/commits", "/files", `/files?path=${file}&line=1`].map((at) => `${repo}/pulls/2${at}`);
  const git = [
    repo,
    `${repo}/commits/branch/${branch}`,
    `${repo}/commits/branch/${branch}/${file}`,
    `${repo}/commit/${sha}`,
  ];
  const compared = [`${repo}/compare`, `${repo}/compare/main...${branch}.more`];
  return [
    ...compared,
    ...lists,
    ...files,
    ...issues,
    ...pulls,
    ...git,
    `/login/oauth/authorize?${consent}`,
    `/${query}/${query}`,
  ];
}

async function signedInPage(forge: TestForge): Promise<Page> {
  const { body } = await expectStatus(201, forge.admin.post("/api/embedded/sign-in-links", { user: "bob" }));
  const context = await browser.newContext({ viewport: { width: WIDTH, height: 800 } });
  const page = await context.newPage();
  await page.goto(body.url);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("No pull request waits for your review.").waitFor();
  return page;
}

test("no element comes to be from users' text, no script runs, and no page is wider than a phone", async () => {
  await using forge = await startTestForge();
  const paths = await hostileForge(forge);
  const page = await signedInPage(forge);
  const complaints = complaintsOf(page);
  for (const path of paths) {
    const answer = await page.goto(`${forge.url}${path}`);
    const isMissing = path === paths.at(-1);
    expect(answer?.status(), path).toBe(isMissing ? 404 : 200);
    const policy = answer?.headers()["content-security-policy"] ?? "";
    expect(policy, path).toMatch(/^default-src 'none'; /);
    expect(policy, path).not.toMatch(/unsafe|script-src/);
    expect(await page.locator(ELEMENTS_OF_USERS).count(), path).toBe(0);
    expect.soft(await page.locator("body").evaluate((body) => body.scrollWidth), path).toBeLessThanOrEqual(WIDTH);
  }
  // the last page is none, which a browser logs
  expect(complaints.filter((text) => !text.includes("404"))).toEqual([]);
  await page.context().close();
});
