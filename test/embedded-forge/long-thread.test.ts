import { afterAll, beforeAll, expect, test } from "vitest";
import { openForge, startForge } from "../../forge/embedded/app.ts";
import { ForgeConfig } from "../../forge/embedded/config.ts";
import { insertComment } from "../../forge/embedded/domain/comments.ts";
import { requireIssue } from "../../forge/embedded/domain/issues.ts";
import { userByName } from "../../forge/embedded/domain/users.ts";
import { configOf, expectStatus, startTestForge, TestForge } from "./test-forge.ts";
import { signedIn, type Visitor } from "./visitor.ts";

const count = 10_000;
let forge: TestForge;
let visitor: Visitor;

/** An issue with ten thousand comments, written as the forge itself writes them. */
beforeAll(async () => {
  const first = await startTestForge();
  const alice = await first.user("alice");
  await expectStatus(201, alice.post("/user/repos", { name: "notes" }));
  const issue = (await expectStatus(201, alice.post("/repos/alice/notes/issues", { title: "long" }))).body;
  await first.running.stop();
  const data = openForge(ForgeConfig.parse(configOf(first.home)));
  const author = userByName(data.db, "alice");
  if (!author) throw new Error("alice is not there");
  data.db.write(() => {
    for (let number = 1; number <= count; number += 1)
      insertComment(data.db, {
        issue: requireIssue(data.db, issue.id),
        author,
        kind: "comment",
        body: `word **${number}**`,
        now: number,
      });
  });
  data.db.close();
  forge = new TestForge(first.home, await startForge(configOf(first.home)));
  visitor = await signedIn(forge, "alice");
});
afterAll(() => forge[Symbol.asyncDispose]());

const shownOn = (html: string): number[] =>
  [...html.matchAll(/word <strong>(\d+)</g)].map(([, number]) => Number(number));

test("of ten thousand comments an issue's page shows the newest two hundred", async () => {
  const { status, html } = await visitor.get("/alice/notes/issues/1");
  expect(status).toBe(200);
  expect(shownOn(html)).toEqual(Array.from({ length: 200 }, (_, index) => count - 199 + index));
  expect(html).toContain("Page 50 of 50");
  expect(html).toContain('href="?page=49"');
});

test("the earlier ones are on pages of their own, and a page that is none is the nearest or the newest", async () => {
  const first = await visitor.get("/alice/notes/issues/1?page=1");
  expect(shownOn(first.html)).toEqual(Array.from({ length: 200 }, (_, index) => 1 + index));
  expect(shownOn((await visitor.get("/alice/notes/issues/1?page=999")).html)[0]).toBe(count - 199);
  expect(shownOn((await visitor.get("/alice/notes/issues/1?page=x")).html)[0]).toBe(count - 199);
});

test("a comment's own address leads to the page that it is on", async () => {
  const pageOf = async (id: number) => (await visitor.get(`/alice/notes/issues/1/comments/${id}`)).location;
  expect(await pageOf(1)).toBe("/alice/notes/issues/1?page=1#issuecomment-1");
  expect(await pageOf(201)).toBe("/alice/notes/issues/1?page=2#issuecomment-201");
  expect(await pageOf(count)).toBe(`/alice/notes/issues/1#issuecomment-${count}`);
  expect((await visitor.get("/alice/notes/issues/1?page=2")).html).toContain('href="?page=2#issuecomment-201"');
  expect((await visitor.get(`/alice/notes/issues/1/comments/${count + 1}`)).status).toBe(404);
});

test("an address that names an earlier comment by its fragment alone finds a sign to it on the newest page", async () => {
  const newest = (await visitor.get("/alice/notes/issues/1")).html;
  expect(newest).toContain('<a class="signpost" id="issuecomment-201" href="?page=2#issuecomment-201">');
  expect(newest.split(`id="issuecomment-${count}"`)).toHaveLength(2);
  expect((await visitor.get("/alice/notes/issues/1?page=1")).html).not.toContain("signpost");
});

test("the API answers all of them at once, as Forgejo does", async () => {
  const answer = await forge.withPassword("alice").get("/repos/alice/notes/issues/1/comments");
  expect(answer.body).toHaveLength(count);
});
