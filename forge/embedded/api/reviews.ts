/** Reviews of pull requests, and requests for them. */
import { z } from "zod";
import { deleteReview, setDismissed } from "../domain/dismiss-review.ts";
import { addToReview, giveReview, submitReview } from "../domain/give-review.ts";
import { removeReviewRequests, requestReviews } from "../domain/request-review.ts";
import { findReview, type Review, reviewCommentsOf, reviewsOf } from "../domain/reviews.ts";
import { reviewCommentJson, reviewJson } from "../shapes/pull.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { count, id, issuePath, maybe, text, texts } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { openPullOf, pullOf } from "./pulls.ts";

const NewLine = z.object({ path: z.string(), body: z.string(), new_position: count, old_position: count });
const NewReview = z.object({
  event: text,
  body: text,
  commit_id: text,
  comments: maybe(z.array(NewLine)),
});
const Submission = z.object({ event: text, body: text });
const Dismissal = z.object({ message: text });
const Reviewers = z.object({ reviewers: texts, team_reviewers: texts });

const reviewPath = issuePath.extend({ id });
type OnReview = Call<z.output<typeof reviewPath>>;

function reviewOf(call: OnReview) {
  const place = pullOf(call);
  return { ...place, review: findReview(call.forge.db, call.user, place.request.issue, call.params.id) };
}

const show = (call: Call, { repo, request }: ReturnType<typeof pullOf>, review: Review) =>
  reviewJson(call.forge, repo, request.issue, review, call.user);

const named = (body: z.output<typeof Reviewers>) => ({ users: body.reviewers ?? [], teams: body.team_reviewers ?? [] });

/** Lines of the new file count up, those of the old one are negative. */
const lineOf = (comment: { new_position?: number | undefined; old_position?: number | undefined }): number =>
  comment.new_position || -(comment.old_position ?? 0);

const scopes = ["repository"] as const;

export const reviewEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/pulls/:index/reviews",
    { scopes, params: issuePath, query: pagingQuery },
    (call) => {
      const place = pullOf(call);
      const reviews = reviewsOf(call.forge.db, call.user, place.request.issue);
      return pagedFrom(call, pageOf(call.query), reviews, (review) => show(call, place, review));
    },
  ),
  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/reviews",
    { scopes, params: issuePath, body: NewReview },
    async (call) => {
      const place = openPullOf(call);
      const { event, body, commit_id, comments } = call.body;
      const review = await giveReview(call.forge, call.user, place.repo, place.request, {
        event: event ?? "",
        body,
        commit_id,
        comments: comments?.map((comment) => ({ path: comment.path, body: comment.body, line: lineOf(comment) })),
      });
      return ok(show(call, place, review));
    },
  ),
  endpoint("GET", "/repos/:owner/:repo/pulls/:index/reviews/:id", { scopes, params: reviewPath }, (call) => {
    const { review, ...place } = reviewOf(call);
    return ok(show(call, place, review));
  }),
  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/reviews/:id",
    { scopes, params: reviewPath, body: Submission },
    async (call) => {
      const { review, ...place } = reviewOf(call);
      const wish = { event: call.body.event ?? "", body: call.body.body };
      return ok(show(call, place, await submitReview(call.forge, call.user, place.repo, place.request, review, wish)));
    },
  ),
  endpoint("DELETE", "/repos/:owner/:repo/pulls/:index/reviews/:id", { scopes, params: reviewPath }, (call) => {
    const { repo, review } = reviewOf(call);
    deleteReview(call.forge, call.user, repo, review);
    return NO_CONTENT;
  }),
  endpoint("GET", "/repos/:owner/:repo/pulls/:index/reviews/:id/comments", { scopes, params: reviewPath }, (call) => {
    const { repo, request, review } = reviewOf(call);
    const comments = reviewCommentsOf(call.forge.db, review);
    return ok(comments.map((comment) => reviewCommentJson(call.forge, repo, request.issue, comment, call.user)));
  }),
  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/reviews/:id/comments",
    { scopes, params: reviewPath, body: NewLine },
    async (call) => {
      const { repo, request, review } = reviewOf(call);
      const { path, body } = call.body;
      const comment = { review, path, body, line: lineOf(call.body) };
      const said = await addToReview(call.forge, call.user, repo, request, comment);
      return ok(reviewCommentJson(call.forge, repo, request.issue, said, call.user));
    },
  ),
  ...(
    [
      ["dismissals", true],
      ["undismissals", false],
    ] as const
  ).map(([path, isDismissed]) =>
    endpoint(
      "POST",
      `/repos/:owner/:repo/pulls/:index/reviews/:id/${path}`,
      { scopes, params: reviewPath, body: Dismissal },
      (call) => {
        const { review, ...place } = reviewOf(call);
        const wish = { isDismissed, message: call.body.message ?? "" };
        return ok(show(call, place, setDismissed(call.forge, call.user, place.repo, place.request, review, wish)));
      },
    ),
  ),

  endpoint(
    "POST",
    "/repos/:owner/:repo/pulls/:index/requested_reviewers",
    { scopes, params: issuePath, body: Reviewers },
    (call) => {
      const place = pullOf(call);
      const requests = requestReviews(call.forge, call.user, place.repo, place.request, named(call.body));
      return created(requests.map((review) => show(call, place, review)));
    },
  ),
  endpoint(
    "DELETE",
    "/repos/:owner/:repo/pulls/:index/requested_reviewers",
    { scopes, params: issuePath, body: Reviewers },
    (call) => {
      const { repo, request } = pullOf(call);
      removeReviewRequests(call.forge, call.user, repo, request, named(call.body));
      return NO_CONTENT;
    },
  ),
];
