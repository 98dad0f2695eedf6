import { expect, test } from "vitest";
import { cloneAs } from "../forge-contract/git-client.ts";
import { startTestForge, type TestForge } from "./test-forge.ts";
import { hiddenFields, signedIn, textOf } from "./visitor.ts";

const COMPARE = "/acme/docs/compare/main...feature/one";

/** The writer has pushed a branch with a slash in its name; what git printed. */
async function withBranch(forge: TestForge): Promise<string> {
  const token = await forge.userToken("writer");
  await forge.user("reader");
  await forge.org("acme", "docs", {
    readers: { level: "read", members: ["reader"] },
    writers: { level: "write", members: ["writer"] },
  });
  const clone = await cloneAs(forge, "acme/docs", token);
  await clone.commit("guide.md", "Ask first.\n", "Write a guide\n\nIt is short.");
  return (await clone.push("HEAD:refs/heads/feature/one")).text;
}

test("the address that a push prints shows what would be proposed, and its form opens the pull request", async () => {
  await using forge = await startTestForge();
  expect(await withBranch(forge)).toContain(`${forge.url}${COMPARE}`);
  const writer = await signedIn(forge, "writer");
  const { html } = await writer.get(COMPARE);
  expect(html).toContain('value="Write a guide"');
  expect(html).toContain("It is short.</textarea>");
  expect(textOf(html)).toContain("Ask first.");
  expect(hiddenFields(html, COMPARE)).toEqual({});
  const answer = await writer.post(COMPARE, { title: "A guide", content: "Short.\r\nGood." });
  expect(answer.location).toBe("/acme/docs/pulls/1");
  const { body } = await forge.admin.get("/repos/acme/docs/pulls/1");
  expect(body).toMatchObject({
    title: "A guide",
    body: "Short.\nGood.",
    head: { ref: "feature/one" },
    base: { ref: "main" },
  });
  expect((await writer.get(COMPARE)).location).toBe("/acme/docs/pulls/1");
});

test("a reader chooses a branch from the list of pull requests, and may propose it", async () => {
  await using forge = await startTestForge();
  await withBranch(forge);
  const reader = await signedIn(forge, "reader");
  expect((await reader.get("/acme/docs/pulls")).html).toContain('href="/acme/docs/compare"');
  expect((await reader.get("/acme/docs/compare")).html).toContain(`href="${COMPARE}"`);
  const refused = await reader.post(COMPARE, { title: " ", content: "kept" });
  expect(refused.status).toBe(422);
  expect(refused.html).toContain("kept</textarea>");
  expect((await reader.post(COMPARE, { title: "By a reader", content: "" })).status).toBe(303);
});

test("a branch without news has no form, and an unknown one is not there", async () => {
  await using forge = await startTestForge();
  await withBranch(forge);
  const writer = await signedIn(forge, "writer");
  const back = await writer.get("/acme/docs/compare/feature/one...main");
  expect(textOf(back.html)).toContain("There is nothing to propose");
  expect(back.html).not.toContain("<textarea");
  for (const path of ["main...none", "none...main", "main", "main...feature/one...main", "main...--upload-pack=x"])
    expect((await writer.get(`/acme/docs/compare/${path}`)).status, path).toBe(404);
});
