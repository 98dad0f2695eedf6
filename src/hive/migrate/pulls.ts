/**
 * Pull requests as real ones. The base branch is put back to where each began, so that it shows what it showed: one that was
 * merged is then told its merge, for the base has it by that time; the last push gives branches their tips.
 */
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { asOrAdmin, Declined } from "./api.ts";
import type { Moving } from "./moving.ts";
import { settled, untilFilled } from "./settled.ts";
import { admin, type Item, type Pull } from "./source.ts";
import { lastWordOf, standingRequests } from "./standing.ts";
import { itemText, reviewText } from "./words.ts";

const Numbered = z.object({ number: z.number() });

/** @returns null; or why there is none, as a part of a sentence */
export async function makePull(moving: Moving, item: Item, pull: Pull): Promise<string | null> {
  const { mirror, to, path } = moving;
  const { head, base, merge_base } = pull;
  if (!(await mirror.has(head.sha)) || merge_base === "" || !(await mirror.has(merge_base)))
    return "its commits are gone";
  await mirror.putBranch(base.ref, merge_base);
  await untilFilled(to, path);
  try {
    await (pull.topic === null ? makeFromBranch(moving, item, pull) : makeByAgit(moving, item, pull, pull.topic));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.message;
  }
  const made = await to.ask(
    Numbered.extend({ head: z.object({ sha: z.string() }) }),
    "GET",
    `${path}/pulls/${item.number}`,
  );
  if (made.head.sha !== head.sha) throw new Fault(`${path}/pulls/${item.number} has another head on the new forge.`);
  return null;
}

async function makeFromBranch({ mirror, to, path }: Moving, item: Item, { head, base }: Pull): Promise<void> {
  await mirror.putBranch(head.ref, head.sha);
  const body = { head: head.ref, base: base.ref, title: item.title, body: itemText(item) };
  await asOrAdmin(item.user, (as) => to.tell("POST", `${path}/pulls`, { as, body }));
}

/** As its author does it; so a later push of the same topic moves it on. */
async function makeByAgit(moving: Moving, item: Item, { head, base }: Pull, topic: string): Promise<void> {
  const { mirror, to, path, passwords } = moving;
  const password = item.user === null ? undefined : passwords.get(item.user);
  const [user, secret] = item.user !== null && password !== undefined ? [item.user, password] : [admin, to.token];
  const options = [`topic=${topic}`, `title=${item.title}`, "force-push=true"];
  await mirror.pushAs(user, secret, `${head.sha}:refs/for/${base.ref}`, options);
  const body = { title: item.title, body: itemText(item) }; // in 7.0 no option can have several lines
  await asOrAdmin(item.user, (as) => to.tell("PATCH", `${path}/pulls/${item.number}`, { as, body }));
}

/** Brings a pull request, whose thread is there, to the state that it had. */
export async function endPull(moving: Moving, item: Item, pull: Pull): Promise<void> {
  const { to, path } = moving;
  if (item.state === "open") return askReviewers(moving, item, pull);
  const isMerged = pull.merged_at !== null && (await recordMerge(moving, item, pull));
  if (!isMerged) await to.tell("PATCH", `${path}/pulls/${item.number}`, { body: { state: "closed" } });
}

async function recordMerge(moving: Moving, item: Item, { base, merge_commit_sha, merged_by }: Pull): Promise<boolean> {
  const { mirror, to, path, repo, note } = moving;
  if (merge_commit_sha === null || !(await mirror.has(merge_commit_sha))) {
    note(`${repo.full_name}#${item.number} was merged, and is only closed now: its merge is in no branch.`);
    return false;
  }
  await mirror.putBranch(base.ref, merge_commit_sha);
  const body = { Do: "manually-merged", MergeCommitID: merge_commit_sha };
  await settled(path, async () => {
    try {
      await asOrAdmin(merged_by, (as) => to.tell("POST", `${path}/pulls/${item.number}/merge`, { as, body }));
      return true;
    } catch (error) {
      if (error instanceof Declined && error.status === 405) return false;
      throw error;
    }
  });
  return true;
}

/**
 * Who was asked for a review, or has approved, is asked: no approval carries over, since the forge has seen none. Who has
 * asked for changes has still done so.
 */
async function askReviewers({ to, path, note, repo }: Moving, item: Item, pull: Pull): Promise<void> {
  const place = `${path}/pulls/${item.number}`;
  const standing = standingRequests(item, pull);
  for (const review of standing) {
    const body = { event: "REQUEST_CHANGES", body: reviewText(review), commit_id: review.commit_id };
    await asOrAdmin(review.user, (as) => to.tell("POST", `${place}/reviews`, { as, body }));
  }
  const asked = pull.reviews.filter(
    (review) =>
      review.state === "REQUEST_REVIEW" ||
      (review.state === "APPROVED" && review === lastWordOf(review.user, pull.reviews)),
  );
  const done = new Set([item.user, ...standing.map(({ user }) => user)]);
  const reviewers = [...new Set(asked.map(({ user }) => user))].filter((user) => user !== null && !done.has(user));
  const team_reviewers = (pull.requested_reviewers_teams ?? []).map(({ name }) => name);
  if (reviewers.length === 0 && team_reviewers.length === 0) return;
  const body = { reviewers, team_reviewers };
  try {
    await asOrAdmin(item.user, (as) => to.tell("POST", `${place}/requested_reviewers`, { as, body }));
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
    note(`${repo.full_name}#${item.number}: ${reviewers.join(", ")} could not be asked for a review: ${error.message}`);
  }
}
