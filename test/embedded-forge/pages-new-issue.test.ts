import { expect, test } from "vitest";
import { openWorkshop } from "./proposals.ts";
import { signedIn } from "./visitor.ts";

const NEW = "/team/code/issues/new";

test("an issue is written on a page, with labels by who may set them, and the browser is led to it", async () => {
  await using shop = await openWorkshop();
  const label = (await shop.as("writer").post("/repos/team/code/labels", { name: "bug", color: "#ff0000" })).body;
  const writer = await signedIn(shop.forge, "writer");
  const page = await writer.get(NEW);
  const answer = await writer.send(page, NEW, {
    title: "It breaks",
    content: "Every **day**.",
    label: String(label.id),
  });
  expect(answer).toMatchObject({ status: 303, location: "/team/code/issues/1" });
  const { body } = await shop.admin.get("/repos/team/code/issues/1");
  expect(body).toMatchObject({ title: "It breaks", body: "Every **day**.", user: { login: "writer" } });
  expect(body.labels).toMatchObject([{ name: "bug" }]);
  const reader = await signedIn(shop.forge, "reviewer");
  expect((await reader.get(NEW)).html).not.toContain('name="label"');
  await shop.forge.userToken("stranger");
  expect((await (await signedIn(shop.forge, "stranger")).get(NEW)).status).toBe(404);
});

test("an issue without a title comes back with a sentence and with what was typed", async () => {
  await using shop = await openWorkshop();
  const writer = await signedIn(shop.forge, "writer");
  const answer = await writer.send(await writer.get(NEW), NEW, { title: " ", content: "A long text" });
  expect(answer.status).toBe(422);
  expect(answer.html).toContain("The issue needs a title.");
  expect(answer.html).toContain("A long text</textarea>");
});

test("a pull request is had as a difference and as mails, by who may read it", async () => {
  await using shop = await openWorkshop();
  const { number } = await shop.propose("feature");
  const reader = await signedIn(shop.forge, "reviewer");
  const diff = await reader.get(`/team/code/pulls/${number}.diff`);
  expect(diff.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(diff.html).toMatch(/^diff --git a\/feature b\/feature\nnew file/);
  expect((await reader.get(`/team/code/pulls/${number}.patch`)).html).toMatch(/^From [0-9a-f]{40} .*\nFrom: /);
  await shop.forge.userToken("stranger");
  const stranger = await signedIn(shop.forge, "stranger");
  expect((await stranger.get(`/team/code/pulls/${number}.diff`)).status).toBe(404);
});
