/** Labels of a repository, and which of them are on an issue. */
import { z } from "zod";
import { addLabels, replaceLabels } from "../domain/edit-issue.ts";
import {
  changeLabel,
  createLabel,
  deleteLabel,
  type Label,
  labelOf,
  labelsOf,
  labelsOfIssue,
  usableLabels,
} from "../domain/labels.ts";
import { demand, unitOf } from "../domain/permissions.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { labelOfRepoJson } from "../shapes/repo.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, given, id, issuePath, repoPath, text } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { issueOf, openIssueOf, openRepoOf, repoOf } from "./places.ts";

export const LabelBody = z
  .object({ name: text, color: text, description: text, exclusive: flag, is_archived: flag })
  .transform(given);

/** Ids, or names. */
const IssueLabels = z.object({ labels: z.array(z.union([z.int(), z.string()])).nullish() });

const labelPath = repoPath.extend({ id });

type OnIssue = Call<{ owner: string; repo: string; index: number }>;

/** @throws Refusal 403 without the right to write the issue's unit */
function writableIssueOf(call: OnIssue) {
  const place = openIssueOf(call);
  demand(place.access, unitOf(place.issue), "write");
  return place;
}

/** Unknown ones are ignored, as in Forgejo. */
const named = (call: Call, repo: Repo, wanted: readonly (number | string)[]): Label[] =>
  usableLabels(call.forge.db, repo).filter((label) => wanted.includes(label.id) || wanted.includes(label.name));

const labelsAnswer = (call: OnIssue, repo: Repo, issueId: number) =>
  ok(labelsOfIssue(call.forge.db, issueId).map((label) => labelOfRepoJson(call.forge, label, repo)));

/** @throws Refusal 403 without the right to write issues or pull requests */
function labelledRepoOf(call: Call<{ owner: string; repo: string }>): Repo {
  const { repo, access } = openRepoOf(call);
  if (access.pulls !== "none" && access.issues === "none") demand(access, "pulls", "write");
  else demand(access, "issues", "write");
  return repo;
}

export const labelEndpoints: Endpoint[] = [
  endpoint("GET", "/repos/:owner/:repo/labels", { scopes: ["issue"], params: repoPath, query: pagingQuery }, (call) => {
    const { repo } = repoOf(call);
    const labels = labelsOf(call.forge.db, { repo });
    return pagedFrom(call, pageOf(call.query), labels, (label) => labelOfRepoJson(call.forge, label, repo));
  }),
  endpoint("POST", "/repos/:owner/:repo/labels", { scopes: ["issue"], params: repoPath, body: LabelBody }, (call) => {
    const repo = labelledRepoOf(call);
    return created(labelOfRepoJson(call.forge, createLabel(call.forge.db, { repo }, call.body), repo));
  }),
  endpoint("GET", "/repos/:owner/:repo/labels/:id", { scopes: ["issue"], params: labelPath }, (call) => {
    const { repo } = repoOf(call);
    return ok(labelOfRepoJson(call.forge, labelOf(call.forge.db, { repo }, call.params.id), repo));
  }),
  endpoint(
    "PATCH",
    "/repos/:owner/:repo/labels/:id",
    { scopes: ["issue"], params: labelPath, body: LabelBody },
    (call) => {
      const repo = labelledRepoOf(call);
      const label = labelOf(call.forge.db, { repo }, call.params.id);
      return ok(labelOfRepoJson(call.forge, changeLabel(call.forge.db, { repo }, label, call.body), repo));
    },
  ),
  endpoint("DELETE", "/repos/:owner/:repo/labels/:id", { scopes: ["issue"], params: labelPath }, (call) => {
    const repo = labelledRepoOf(call);
    deleteLabel(call.forge.db, labelOf(call.forge.db, { repo }, call.params.id));
    return NO_CONTENT;
  }),

  endpoint("GET", "/repos/:owner/:repo/issues/:index/labels", { scopes: ["issue"], params: issuePath }, (call) => {
    const { repo, issue } = issueOf(call);
    return labelsAnswer(call, repo, issue.id);
  }),
  endpoint(
    "POST",
    "/repos/:owner/:repo/issues/:index/labels",
    { scopes: ["issue"], params: issuePath, body: IssueLabels },
    (call) => {
      const { repo, issue } = writableIssueOf(call);
      addLabels(call.forge, call.user, issue, named(call, repo, call.body.labels ?? []));
      return labelsAnswer(call, repo, issue.id);
    },
  ),
  endpoint(
    "PUT",
    "/repos/:owner/:repo/issues/:index/labels",
    { scopes: ["issue"], params: issuePath, body: IssueLabels },
    (call) => {
      const { repo, issue } = writableIssueOf(call);
      replaceLabels(call.forge, call.user, issue, named(call, repo, call.body.labels ?? []));
      return labelsAnswer(call, repo, issue.id);
    },
  ),
  endpoint("DELETE", "/repos/:owner/:repo/issues/:index/labels", { scopes: ["issue"], params: issuePath }, (call) => {
    replaceLabels(call.forge, call.user, writableIssueOf(call).issue, []);
    return NO_CONTENT;
  }),
  endpoint(
    "DELETE",
    "/repos/:owner/:repo/issues/:index/labels/:label",
    { scopes: ["issue"], params: issuePath.extend({ label: z.string() }) },
    (call) => {
      const { repo, issue } = writableIssueOf(call);
      const { label } = call.params;
      const [known] = named(call, repo, /^\d+$/.test(label) ? [Number(label)] : [label]);
      if (!known) throw new Refusal(422, `label does not exist [label: ${label.slice(0, 100)}]`);
      const left = labelsOfIssue(call.forge.db, issue.id).filter((present) => present.id !== known.id);
      replaceLabels(call.forge, call.user, issue, left);
      return NO_CONTENT;
    },
  ),
];
