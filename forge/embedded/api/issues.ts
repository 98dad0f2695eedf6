/** Issues: lists, the search over all repositories, opening and editing. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import { closePull, reopenPull } from "../domain/change-pull.ts";
import { timelineOf } from "../domain/comments.ts";
import {
  assignable,
  changeIssueText,
  demandEditor,
  setAssignees,
  setDueDate,
  setIssueState,
} from "../domain/edit-issue.ts";
import { type IssueFilter, searchIssues } from "../domain/issue-search.ts";
import { type Issue, requireIssue } from "../domain/issues.ts";
import { type Label, labelsOf, usableLabels } from "../domain/labels.ts";
import { openIssue } from "../domain/open-issue.ts";
import { findOrg } from "../domain/orgs.ts";
import { type Access, accessOf, unitOf } from "../domain/permissions.ts";
import { pullRequestById } from "../domain/pulls.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import { allRepos, type Repo, requireRepo } from "../domain/repos.ts";
import { doesTeamCover, teamByName } from "../domain/teams.ts";
import { ownerByName, userByName } from "../domain/users.ts";
import { issueJson, timelineJson } from "../shapes/issue.ts";
import { type Call, created, type Endpoint, endpoint, ok } from "./endpoint.ts";
import {
  flag,
  id,
  issuePath,
  maybe,
  moment,
  queryFlag,
  queryList,
  queryMoment,
  repoPath,
  text,
  texts,
} from "./fields.ts";
import { paged, pagedFrom, pageOf, paging } from "./paging.ts";
import { issueOf, openIssueOf, openRepoOf, repoOf } from "./places.ts";

const SEARCH_ITEMS = 20;

const filterFields = {
  ...paging,
  state: z.string().optional(),
  type: z.string().optional(),
  q: z.string().optional(),
  labels: queryList,
  since: queryMoment,
  before: queryMoment,
  sort: z.string().optional(),
};
const SearchQuery = z.object({
  ...filterFields,
  assigned: queryFlag,
  created: queryFlag,
  mentioned: queryFlag,
  review_requested: queryFlag,
  reviewed: queryFlag,
  owner: z.string().optional(),
  team: z.string().optional(),
  priority_repo_id: id.optional().catch(undefined),
});
const ListQuery = z.object({
  ...filterFields,
  created_by: z.string().optional(),
  assigned_by: z.string().optional(),
  mentioned_by: z.string().optional(),
});
const NewIssue = z.object({
  title: z.string("Required"),
  body: text,
  assignee: text,
  assignees: texts,
  labels: maybe(z.array(z.int())),
  ref: text,
  due_date: moment,
  closed: flag,
});
const IssueChange = z.object({
  title: text,
  body: text,
  state: text,
  assignee: text,
  assignees: texts,
  due_date: moment,
  unset_due_date: flag,
});
type IssueChange = z.output<typeof IssueChange>;

/** Without a type both kinds are meant. */
const unitsOf = (type: string | undefined): readonly ("issues" | "pulls")[] =>
  type === "issues" || type === "pulls" ? [type] : ["issues", "pulls"];

/** State, text, labels and time of a query, of these repositories. */
function filterOf(
  call: Call<unknown, z.output<typeof ListQuery> | z.output<typeof SearchQuery>>,
  repos: Repo[],
  known: readonly Label[],
): IssueFilter {
  const { state, type, q, since, before, sort } = call.query;
  const readable = (unit: "issues" | "pulls") =>
    repos
      .filter(
        (repo) => unitsOf(type).includes(unit) && isAtLeast(accessOf(call.forge.db, call.user, repo)[unit], "read"),
      )
      .map((repo) => repo.id);
  return {
    repos: { issues: readable("issues"), pulls: readable("pulls") },
    state: state === "closed" || state === "all" ? state : "open",
    labels: knownLabels(call.query.labels, known),
    text: q,
    since,
    before,
    sort,
  };
}

/** Names that no label has are ignored, as in Forgejo. */
function knownLabels(wanted: readonly string[], known: readonly Label[]): string[] {
  const existing = new Set(known.map((label) => label.name));
  return wanted.filter((name) => existing.has(name)).slice(0, 20);
}

/** The repositories that `owner` and `team` leave. @throws Refusal 400 team without owner, 404 unknown */
function searchedRepos(call: Call<unknown, { owner?: string | undefined; team?: string | undefined }>): Repo[] {
  const { owner: ownerName, team: teamName } = call.query;
  if (!ownerName && teamName) throw new Refusal(400, "owner organisation is required for filtering on team");
  if (!ownerName) return allRepos(call.forge.db);
  const owner = ownerByName(call.forge.db, ownerName);
  if (!owner) throw new Refusal(400, "Owner not found");
  const repos = allRepos(call.forge.db).filter((repo) => repo.owner_id === owner.id);
  if (!teamName) return repos;
  const team = teamByName(call.forge.db, findOrg(call.forge.db, call.user, ownerName), teamName);
  if (!team) throw new Refusal(400, "Team not found");
  return repos.filter((repo) => doesTeamCover(call.forge.db, team, repo));
}

/** @throws Refusal 404 */
function idOf(call: Call, name: string | undefined): number | undefined {
  if (!name) return undefined;
  const user = userByName(call.forge.db, name);
  if (!user) throw notFound(`user does not exist [uid: 0, name: ${name.slice(0, 100)}]`);
  return user.id;
}

const show = (call: Call, issue: Issue) =>
  issueJson(call.forge, requireRepo(call.forge.db, issue.repo_id), issue, call.user);

/** Assignees and dates need the right to write, and are ignored without it. */
async function editIssue(call: Call<unknown, unknown, IssueChange>, issue: Issue, access: Access): Promise<void> {
  const { forge, user, body: change } = call;
  const mayWrite = isAtLeast(access[unitOf(issue)], "write");
  const assignees = change.assignees ?? (change.assignee === undefined ? undefined : [change.assignee].filter(Boolean));
  forge.db.write(() => {
    const changed = changeIssueText(forge, user, issue, change);
    if (mayWrite && assignees) setAssignees(forge, user, changed, assignable(forge, issue, assignees));
    if (mayWrite && (change.due_date !== undefined || change.unset_due_date)) {
      setDueDate(forge, changed, change.unset_due_date ? null : (change.due_date ?? null));
    }
  });
  await changeState(call, requireIssue(forge.db, issue.id), change.state);
}

/** Whatever is not `closed` means open, as in Forgejo. */
async function changeState({ forge, user }: Call, issue: Issue, state: string | undefined): Promise<void> {
  if (state === undefined) return;
  if (!issue.is_pull) {
    setIssueState(forge, user, issue, state === "closed" ? "closed" : "open");
    return;
  }
  const repo = requireRepo(forge.db, issue.repo_id);
  const request = pullRequestById(forge.db, issue.id);
  if (state === "closed") closePull(forge, user, repo, request);
  else await reopenPull(forge, user, repo, request);
}

export const issueEndpoints: Endpoint[] = [
  endpoint("GET", "/repos/issues/search", { scopes: ["issue"], query: SearchQuery }, (call) => {
    const { query, user } = call;
    const repos = searchedRepos(call);
    const labels = query.labels.length > 0 ? repos.flatMap((repo) => usableLabels(call.forge.db, repo)) : [];
    const filter: IssueFilter = {
      ...filterOf(call, repos, labels),
      ...(query.created ? { author: user.id } : {}),
      ...(query.assigned ? { assignee: user.id } : {}),
      ...(query.mentioned ? { mentioned: user.name } : {}),
      ...(query.review_requested ? { reviewRequestedOf: user.id } : {}),
      ...(query.reviewed ? { reviewedBy: user.id } : {}),
      firstRepo: query.priority_repo_id,
    };
    const page = pageOf(query, SEARCH_ITEMS);
    const { rows, total } = searchIssues(call.forge.db, filter, page);
    return paged(
      call,
      page,
      rows.map((issue) => show(call, issue)),
      total,
    );
  }),

  endpoint("GET", "/repos/:owner/:repo/issues", { scopes: ["issue"], params: repoPath, query: ListQuery }, (call) => {
    const { repo, access } = repoOf(call);
    if (!unitsOf(call.query.type).some((unit) => isAtLeast(access[unit], "read"))) throw notFound();
    const filter: IssueFilter = {
      ...filterOf(call, [repo], labelsOf(call.forge.db, { repo })),
      author: idOf(call, call.query.created_by),
      assignee: idOf(call, call.query.assigned_by),
      mentioned: call.query.mentioned_by,
    };
    const page = pageOf(call.query);
    const { rows, total } = searchIssues(call.forge.db, filter, page);
    return paged(
      call,
      page,
      rows.map((issue) => show(call, issue)),
      total,
    );
  }),

  endpoint("POST", "/repos/:owner/:repo/issues", { scopes: ["issue"], params: repoPath, body: NewIssue }, (call) => {
    const { repo, access } = openRepoOf(call);
    const { title, body, assignee, assignees, labels, ref, due_date, closed } = call.body;
    const issue = openIssue(call.forge, call.user, repo, access, {
      title,
      body: body ?? "",
      assignees: assignees ?? (assignee ? [assignee] : []),
      labels: labels ?? [],
      ref: ref ?? "",
      due_at: due_date ?? null,
      closed: closed ?? false,
    });
    return created(show(call, issue));
  }),

  endpoint("GET", "/repos/:owner/:repo/issues/:index", { scopes: ["issue"], params: issuePath }, (call) =>
    ok(show(call, issueOf(call).issue)),
  ),

  endpoint(
    "PATCH",
    "/repos/:owner/:repo/issues/:index",
    { scopes: ["issue"], params: issuePath, body: IssueChange },
    async (call) => {
      const { issue, access } = openIssueOf(call);
      demandEditor(call.user, issue, access);
      await editIssue(call, issue, access);
      return created(show(call, requireIssue(call.forge.db, issue.id)));
    },
  ),

  endpoint(
    "GET",
    "/repos/:owner/:repo/issues/:index/timeline",
    { scopes: ["issue"], params: issuePath, query: z.object({ ...paging, since: queryMoment, before: queryMoment }) },
    (call) => {
      const { repo, issue } = issueOf(call);
      const entries = timelineOf(call.forge.db, issue.id, call.query);
      return pagedFrom(call, pageOf(call.query), entries, (entry) =>
        timelineJson(call.forge, repo, issue, entry, call.user),
      );
    },
  ),
];
