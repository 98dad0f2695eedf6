/** Pull requests, their reviews, and merging. */
import { z } from "zod";
import { type EpochMs, ObjectId } from "../../../contract/names.ts";
import type { Connection } from "../connection.ts";
import { isRefused } from "../errors.ts";
import { at, inSeconds, Login, Logins, Moment, Text } from "./shapes.ts";

const PullAnswer = z.object({
  number: z.number().int(),
  title: z.string(),
  draft: z.boolean().nullish(),
  body: Text,
  user: Login,
  state: z.enum(["open", "closed"]),
  merged: z.boolean(),
  merge_commit_sha: ObjectId.nullish(),
  merge_base: z.string(),
  head: z.object({ sha: ObjectId }),
  base: z.object({ ref: z.string() }),
  html_url: z.string(),
  assignees: Logins,
  requested_reviewers: Logins,
  created_at: Moment,
  updated_at: Moment,
});

/** A pull request; `head` is a commit, `base` a branch. */
export type Pull = ReturnType<typeof toPull>;

const toPull = (pull: z.output<typeof PullAnswer>) => ({
  number: pull.number,
  title: pull.title,
  /** its title says that it is work in progress, which no forge merges; Forgejo 7.0 does not say so itself */
  isDraft: pull.draft ?? /^\s*(wip:|\[wip\])/i.test(pull.title),
  body: pull.body,
  author: pull.user,
  state: pull.merged ? ("merged" as const) : pull.state,
  head: pull.head.sha,
  base: pull.base.ref,
  mergeBase: pull.merge_base,
  url: pull.html_url,
  mergeCommit: pull.merge_commit_sha ?? null,
  createdAt: pull.created_at,
  updatedAt: pull.updated_at,
  assignees: pull.assignees,
  /** who was asked for a review, whether it was given since or not */
  reviewers: pull.requested_reviewers,
});

const ReviewAnswer = z.object({
  id: z.number().int(),
  user: Login,
  state: z.string(),
  official: z.boolean(),
  dismissed: z.boolean(),
  stale: z.boolean(),
  commit_id: z.string(),
  body: Text,
  comments_count: z.number().int(),
  submitted_at: Moment,
});

/**
 * A review; `state` is APPROVED, REQUEST_CHANGES, COMMENT, PENDING, or REQUEST_REVIEW: one that is still asked for.
 * `commitId` is the head that it was given to, "" for one that is asked for. `official` was decided when it was given.
 */
export type Review = ReturnType<typeof toReview>;

const toReview = ({ commit_id, comments_count, submitted_at, ...review }: z.output<typeof ReviewAnswer>) => ({
  ...review,
  commitId: commit_id,
  /** how much is said in it of single lines, answers included */
  lineCount: comments_count,
  submittedAt: submitted_at,
});

/**
 * `entry`: the place of its own lines and of itself in the timeline, before which all its own lines come; 0 when it has none.
 * `outdatedBy`: what happened after it, and makes it one of something else.
 */
export type GivenReview = Review & { entry: number; outdatedBy: "change_target_branch" | "close" | null };

/**
 * Something that happened on an issue or pull request; ids count up. `review_id` is 0 where it is no review, `assignee` is
 * who is asked for one.
 */
const TimelineAnswer = z.object({
  id: z.number().int(),
  type: z.string(),
  user: Login,
  body: Text,
  assignee: Login,
  removed_assignee: z.boolean(),
  review_id: z.number().int().nullish(),
  created_at: Moment,
});

export type TimelineEntry = ReturnType<typeof toEntry>;

const toEntry = (entry: z.output<typeof TimelineAnswer>) => ({
  id: entry.id,
  type: entry.type,
  user: entry.user,
  body: entry.body,
  /** of a request for a review: whose, unless it was taken back */
  asked: entry.removed_assignee ? "" : entry.assignee,
  review: entry.review_id || null,
  createdAt: entry.created_at,
});

/** Of the two positions, the one in the file as it was or as it is to be is 0. */
const ReviewCommentAnswer = z.object({
  id: z.number().int(),
  user: Login,
  path: z.string(),
  position: z.number().nullish(),
  original_position: z.number().nullish(),
  body: Text,
  created_at: Moment,
});

/** What was said of one line; `place` names file and line. Its id is of the same count as those of the timeline. */
export type ReviewComment = { id: number; user: string; place: string; body: string; createdAt: EpochMs };

/** The forge tells them in any order, and in another one the next time. */
const inOrder = (comments: z.output<typeof ReviewCommentAnswer>[]): ReviewComment[] =>
  comments
    .map(({ path, position, original_position, created_at, ...comment }) => ({
      ...{ ...comment, path, line: position || original_position || 0, createdAt: created_at },
      place: position ? `${path}, line ${position}` : `${path}, line ${original_position ?? 0} as it was`,
    }))
    .sort((a, b) => (a.path === b.path ? a.line - b.line || a.id - b.id : a.path < b.path ? -1 : 1))
    .map(({ path: _path, line: _line, ...comment }) => comment);

export function pullVerbs(connection: Connection) {
  const listTimeline = async (repo: string, number: number, since: EpochMs | null = null): Promise<TimelineEntry[]> => {
    const query = since === null ? {} : { since: inSeconds(since) };
    const entries = await connection.list(TimelineAnswer, (api, page) =>
      api.repos.issueGetCommentsAndTimeline(...at(repo), number, { ...query, ...page }),
    );
    return entries.map(toEntry).sort((a, b) => a.id - b.id);
  };
  const readPull = async (repo: string, number: number): Promise<Pull | null> => {
    const pull = await connection.find(PullAnswer, (api) => api.repos.repoGetPullRequest(...at(repo), number));
    return pull && toPull(pull);
  };
  const listReviews = async (repo: string, number: number): Promise<Review[]> =>
    (await connection.list(ReviewAnswer, (api, page) => api.repos.repoListPullReviews(...at(repo), number, page))).map(
      toReview,
    );
  return {
    /** null when there is none of that number, or when that is an issue. */
    readPull,
    async listPulls(repo: string, query: { state: "open" | "closed" | "all" }): Promise<Pull[]> {
      const pulls = await connection.list(PullAnswer, (api, page) =>
        api.repos.repoListPullRequests(...at(repo), { ...query, ...page }),
      );
      return pulls.map(toPull);
    },
    listReviews,
    /** The reviews, each with what has happened since, by its base or by being closed: the timeline has the order. */
    async listGivenReviews(repo: string, number: number): Promise<GivenReview[]> {
      const reviews = await listReviews(repo, number);
      const timeline = await listTimeline(repo, number);
      const last = timeline.findLast(({ type }) => type === "change_target_branch" || type === "close");
      const cause = last?.type === "close" ? "close" : "change_target_branch";
      return reviews.map((review) => {
        const entry = timeline.find((other) => other.type === "review" && other.review === review.id)?.id ?? 0;
        return { ...review, entry, outdatedBy: last && entry < last.id ? cause : null };
      });
    },
    /** Reviews this very head; one that was pushed meanwhile is not meant. */
    async giveReview(
      repo: string,
      number: number,
      { event, head, body }: { event: "APPROVED" | "REQUEST_CHANGES"; head: ObjectId; body: string },
    ): Promise<void> {
      const review = { event, commit_id: head, body };
      await connection.tell((api) => api.repos.repoCreatePullReview(...at(repo), number, review));
    },
    /** What a review says of single lines, and what others answered there, in the order of files and lines. The forge does not page them. */
    async listReviewComments(repo: string, number: number, review: number): Promise<ReviewComment[]> {
      const comments = await connection.ask(z.array(ReviewCommentAnswer).nullable(), (api) =>
        api.repos.repoGetPullReviewComments(...at(repo), number, review),
      );
      return inOrder(comments ?? []);
    },
    /** What happened, oldest first, but what was said of single lines; `since`: was made or changed then or later, in whole seconds. */
    listTimeline,
    /** Who closed it last, without merging it, and when; null when nobody has. */
    async findClose(repo: string, number: number): Promise<{ user: string; at: EpochMs } | null> {
      const close = (await listTimeline(repo, number)).findLast(({ type }) => type === "close");
      return close ? { user: close.user, at: close.createdAt } : null;
    },
    /**
     * Asks for reviews of the head. Who is asked already or has spoken on this very head is left out: to ask again takes
     * the official mark from the review that was given (Forgejo 7.0, models/issues/review.go, AddReviewRequest).
     */
    async requestReview(repo: string, number: number, users: string[]): Promise<void> {
      const [pull, reviews] = await Promise.all([readPull(repo, number), listReviews(repo, number)]);
      const isDone = (user: string) =>
        reviews.some(
          (review) =>
            review.user === user && (review.state === "REQUEST_REVIEW" || (pull && review.commitId === pull.head)),
        );
      const reviewers = users.filter((user) => !isDone(user));
      if (reviewers.length === 0) return;
      await connection.tell((api) => api.repos.repoCreatePullReviewRequests(...at(repo), number, { reviewers }));
    },
    /** Merges exactly this head with a merge commit; says why the forge does not, in its own words. */
    async merge(
      repo: string,
      number: number,
      wanted: { head: string; title: string; message: string },
    ): Promise<"merged" | "head_moved" | "conflict" | { refused: string }> {
      const body = {
        Do: "merge" as const,
        head_commit_id: wanted.head,
        MergeTitleField: wanted.title,
        MergeMessageField: wanted.message,
      };
      try {
        await connection.tell((api) => api.repos.repoMergePullRequest(...at(repo), number, body));
        return "merged";
      } catch (error) {
        if (!isRefused(error, 404, 405, 409, 423)) throw error;
        if (error.status !== 409) return { refused: error.message };
        return /head out of date/i.test(error.message) ? "head_moved" : "conflict";
      }
    },
  };
}
