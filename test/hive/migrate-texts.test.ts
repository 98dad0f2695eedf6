/** The texts that a migration writes: programs read how they begin, people how they end. */
import { expect, test } from "vitest";
import { inventoryText } from "../../src/hive/migrate/show.ts";
import type { Item, Pull, Repository, Review } from "../../src/hive/migrate/source.ts";
import { lastWordOf, standingRequests } from "../../src/hive/migrate/standing.ts";
import { commentText, itemText, lostPullText, reviewText } from "../../src/hive/migrate/words.ts";

const head = "a".repeat(40);
const review: Review = {
  id: 1,
  user: "operator",
  state: "REQUEST_CHANGES",
  body: "Shorter.",
  commit_id: head,
  dismissed: false,
  comments_count: 1,
  submitted_at: "2026-11-01T12:30:00Z",
  remarks: [{ path: "a.txt", body: "This line.", position: 0, original_position: 3 }],
};
const pull: Pull = {
  base: { ref: "main" },
  head: { ref: "topic", sha: head },
  merge_base: "b".repeat(40),
  flow: 0,
  merged_at: null,
  merged_by: null,
  merge_commit_sha: null,
  requested_reviewers_teams: null,
  reviews: [review],
  topic: null,
};
const item: Item = {
  number: 1,
  title: "A title",
  body: "<!-- hive:question {} -->\n\nShall I?\n",
  user: "alice",
  state: "open",
  created_at: "2026-11-01T12:00:00Z",
  closed_at: null,
  due_date: null,
  labels: null,
  assignees: null,
  pull_request: null,
  comments: [],
  pull: null,
};

test("a text begins as it did, and ends with who wrote it and when, in UTC whatever the forge's clock showed", () => {
  expect(itemText({ ...item, created_at: "2026-11-01T14:00:00+02:00" })).toBe(
    "<!-- hive:question {} -->\n\nShall I?\n\n_alice wrote this on 2026-11-01 12:00 UTC._\n",
  );
  expect(commentText({ user: "bob", body: "/answer yes", created_at: "2026-11-02T00:00:00Z" })).toBe(
    "/answer yes\n\n_bob wrote this on 2026-11-02 00:00 UTC._\n",
  );
});

test("what has no text, or no author any more, is told so", () => {
  expect(itemText({ ...item, body: "", user: null })).toBe(
    "_A user who is no more wrote this on 2026-11-01 12:00 UTC._\n",
  );
});

test("what is closed says when, and what is merged by whom", () => {
  const closed = { ...item, state: "closed" as const, closed_at: "2026-11-03T08:00:00Z" };
  expect(itemText(closed)).toContain("12:00 UTC. It was closed on 2026-11-03 08:00 UTC._");
  const merged = { ...pull, merged_at: "2026-11-03T08:00:00Z", merged_by: "hive-bot" };
  expect(itemText({ ...closed, pull: merged })).toContain("12:00 UTC. hive-bot merged it on 2026-11-03 08:00 UTC._");
});

test("a review is its words, its remarks at their lines, and what it said of which commit", () => {
  expect(reviewText(review)).toBe(
    "Shorter.\n\n`a.txt`, line 3 of the old file:\n\nThis line.\n\n_operator asked for changes of aaaaaaaaaa on 2026-11-01 12:30 UTC._\n",
  );
  expect(reviewText({ ...review, dismissed: true })).toContain("12:30 UTC; this was dismissed._");
});

test("a pull request that could not be made again says from what into what it was, and why", () => {
  expect(lostPullText({ ...item, pull }, "its commits are gone")).toContain(
    "_This was a pull request from aaaaaaaaaa into main, which could not be made again: its commits are gone_",
  );
});

test("a demand for changes stands while it is its reviewer's last word on the head of an open pull request", () => {
  const open = { ...item, pull };
  expect(standingRequests(open, pull)).toEqual([review]);
  expect(standingRequests({ ...open, state: "closed" }, pull)).toEqual([]);
  expect(standingRequests(open, { ...pull, reviews: [{ ...review, dismissed: true }] })).toEqual([]);
  expect(standingRequests(open, { ...pull, reviews: [{ ...review, commit_id: "c".repeat(40) }] })).toEqual([]);
  const approval = { ...review, id: 2, state: "APPROVED" };
  expect(standingRequests(open, { ...pull, reviews: [review, approval] })).toEqual([]);
  expect(lastWordOf("operator", [review, approval, { ...review, id: 3, state: "COMMENT" }])).toBe(approval);
});

test("a dry run names users and organizations, and counts what each repository has", () => {
  const repository = { full_name: "eve/notes", items: [item, { ...item, number: 2, pull }] } as Repository;
  expect(inventoryText({ users: [], organizations: [], repositories: [repository] })).toBe(
    [
      "users          0",
      "organizations  0",
      "",
      "repository  issues  pull requests  open  comments and reviews",
      "eve/notes   1       1              2     1",
      "",
    ].join("\n"),
  );
});
