import { expect, test } from "vitest";
import { ObjectId } from "../../src/contract/names.ts";
import { inert, statusDescription, verdictComment } from "../../src/hived/approvals/comment.ts";

const head = ObjectId.parse("a".repeat(40));

test("the comment on a spawn", async () => {
  const permissions = ["is a worker", "reaches the whole network"];
  const comment = verdictComment(head, { kind: "spawn", agent: "bob", problems: [], permissions });
  await expect(comment).toMatchFileSnapshot("golden/spawn-comment.md");
});

test("the comment on what can't be acted on yet", async () => {
  const problems = ['agents/bob/agent.yaml: line 2: field harness.driver: Invalid input: expected "acp"'];
  const comment = verdictComment(head, { kind: "spawn", agent: "bob", problems, permissions: [] });
  await expect(comment).toMatchFileSnapshot("golden/invalid-comment.md");
});

test("text of a pull request can't become markup, a mention or a second line", () => {
  expect(inert("<script>\n@operator **x** [a](b) `c`")).toBe(
    "&#60;script&#62; &#64;operator &#42;&#42;x&#42;&#42; &#91;a&#93;&#40;b&#41; &#96;c&#96;",
  );
});

test("a status' description fits into the forge's column", () => {
  expect(statusDescription("x".repeat(500))).toHaveLength(140);
});
