/** All that the embedded forge holds, read by its API as its site admin. */
import { z } from "zod";
import type { Api } from "./api.ts";

export const admin = "hive-admin";

const Named = z.object({ login: z.string() });
/** null: a user that is no more. */
const Author = Named.nullable().transform((user) => (user && user.login !== "Ghost" ? user.login : null));
const At = z.iso.datetime({ offset: true });

const User = z.object({
  login: z.string(),
  email: z.string(),
  full_name: z.string(),
  description: z.string(),
  website: z.string(),
  location: z.string(),
  visibility: z.string(),
  is_admin: z.boolean(),
  restricted: z.boolean(),
  active: z.boolean(),
  prohibit_login: z.boolean(),
});
export type User = z.output<typeof User>;

const Team = z.object({
  id: z.number(),
  name: z.string(),
  description: z.string(),
  permission: z.string(),
  units_map: z.record(z.string(), z.string()),
  includes_all_repositories: z.boolean(),
  can_create_org_repo: z.boolean(),
});
const Label = z.object({
  id: z.number(),
  name: z.string(),
  color: z.string(),
  description: z.string(),
  exclusive: z.boolean(),
  is_archived: z.boolean(),
});
export type Label = z.output<typeof Label>;
const Org = z.object({
  name: z.string(),
  full_name: z.string(),
  email: z.string(),
  description: z.string(),
  website: z.string(),
  location: z.string(),
  visibility: z.string(),
  repo_admin_change_team_access: z.boolean(),
});
const repoNames = z.object({ full_name: z.string() });

/** Settings of a repository that both forges have, as one changes them. */
const Settings = z.object({
  website: z.string(),
  private: z.boolean(),
  template: z.boolean(),
  archived: z.boolean(),
  has_issues: z.boolean(),
  has_pull_requests: z.boolean(),
  has_wiki: z.boolean(),
  has_projects: z.boolean(),
  has_packages: z.boolean(),
  has_actions: z.boolean(),
  has_releases: z.boolean(),
  allow_merge_commits: z.boolean(),
  allow_rebase: z.boolean(),
  allow_rebase_explicit: z.boolean(),
  allow_squash_merge: z.boolean(),
  allow_fast_forward_only_merge: z.boolean(),
  allow_rebase_update: z.boolean(),
  ignore_whitespace_conflicts: z.boolean(),
  default_merge_style: z.string(),
  default_delete_branch_after_merge: z.boolean(),
  default_allow_maintainer_edit: z.boolean(),
});
const Repo = z.object({
  owner: Named,
  name: z.string(),
  full_name: z.string(),
  description: z.string(),
  default_branch: z.string(),
});
const Rule = z.looseObject({ rule_name: z.string() });

const Issue = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string(),
  user: Author,
  state: z.enum(["open", "closed"]),
  created_at: At,
  closed_at: At.nullable(),
  due_date: At.nullable(),
  labels: z.array(z.object({ name: z.string() })).nullable(),
  assignees: z.array(Named).nullable(),
  pull_request: z.object({ merged: z.boolean() }).nullable(),
});
const Pull = z.object({
  base: z.object({ ref: z.string() }),
  head: z.object({ ref: z.string(), sha: z.string() }),
  merge_base: z.string(),
  flow: z.number(),
  merged_at: At.nullable(),
  merged_by: Author,
  merge_commit_sha: z.string().nullable(),
  requested_reviewers_teams: z.array(z.object({ name: z.string() })).nullable(),
});
const Comment = z.object({ user: Author, body: z.string(), created_at: At });
const Review = z.object({
  id: z.number(),
  user: Author,
  state: z.string(),
  body: z.string(),
  commit_id: z.string(),
  dismissed: z.boolean(),
  comments_count: z.number(),
  submitted_at: At,
});
const Remark = z.object({
  path: z.string(),
  body: z.string(),
  position: z.number(),
  original_position: z.number(),
});
const Status = z.object({
  id: z.number(),
  status: z.string(),
  context: z.string(),
  description: z.string(),
  target_url: z.string(),
  creator: Author,
});
const Topics = z.array(z.object({ number: z.number(), topic: z.string() }));

export type Review = z.output<typeof Review> & { remarks: z.output<typeof Remark>[] };
export type Comment = z.output<typeof Comment>;
export type Pull = z.output<typeof Pull> & {
  reviews: Review[];
  /** of one by AGit */
  topic: string | null;
};
export type Item = z.output<typeof Issue> & { comments: Comment[]; pull: Pull | null };
export type Repository = z.output<typeof Repo> & {
  settings: z.output<typeof Settings>;
  labels: Label[];
  collaborators: { name: string; permission: string }[];
  rules: z.output<typeof Rule>[];
  hooks: number;
  /** by number, ascending */
  items: Item[];
};
export type Organization = z.output<typeof Org> & {
  labels: Label[];
  teams: (z.output<typeof Team> & { members: string[]; repos: string[] })[];
};
export type Inventory = { users: User[]; organizations: Organization[]; repositories: Repository[] };

/** @param say told what is being read */
export async function readInventory(api: Api, say: (detail: string) => void): Promise<Inventory> {
  const users = (await api.list(User, "/admin/users")).filter(({ login }) => login !== admin);
  const organizations: Organization[] = [];
  for (const org of await api.list(Org, "/orgs")) organizations.push(await readOrganization(api, org));
  const repositories: Repository[] = [];
  for (const full_name of await listRepos(api)) {
    say(full_name);
    repositories.push(await readRepository(api, full_name));
  }
  return { users, organizations, repositories };
}

/** The names of all repositories; the answer of a search is no plain list. */
export async function listRepos(api: Api): Promise<string[]> {
  const names: string[] = [];
  for (let page = 1; ; page += 1) {
    const path = `/repos/search?page=${page}&limit=50`;
    const { data } = await api.ask(z.object({ data: z.array(repoNames) }), "GET", path);
    names.push(...data.map(({ full_name }) => full_name));
    if (data.length < 50) return names.sort();
  }
}

async function readOrganization(api: Api, org: z.output<typeof Org>): Promise<Organization> {
  const teams = [];
  for (const team of await api.list(Team, `/orgs/${org.name}/teams`)) {
    const members = await api.list(Named, `/teams/${team.id}/members`);
    const repos = team.includes_all_repositories ? [] : await api.list(repoNames, `/teams/${team.id}/repos`);
    const names = { members: members.map(({ login }) => login), repos: repos.map(({ full_name }) => full_name) };
    teams.push({ ...team, ...names });
  }
  return { ...org, teams, labels: await api.list(Label, `/orgs/${org.name}/labels`) };
}

async function readRepository(api: Api, full_name: string): Promise<Repository> {
  const path = `/repos/${full_name}`;
  const repo = await api.ask(Repo.extend(Settings.shape), "GET", path);
  const collaborators = [];
  for (const { login } of await api.list(Named, `${path}/collaborators`)) {
    const Permission = z.object({ permission: z.string() });
    const { permission } = await api.ask(Permission, "GET", `${path}/collaborators/${login}/permission`);
    collaborators.push({ name: login, permission });
  }
  return {
    ...repo,
    settings: Settings.parse(repo),
    labels: await api.list(Label, `${path}/labels`),
    collaborators,
    rules: await api.list(Rule, `${path}/branch_protections`),
    hooks: (await api.list(z.object({ id: z.number() }), `${path}/hooks`)).length,
    items: await readItems(api, path),
  };
}

async function readItems(api: Api, path: string): Promise<Item[]> {
  const topics = await api.ask(Topics, "GET", `/api/embedded${path}/topics`);
  const topicOf = new Map(topics.map(({ number, topic }) => [number, topic]));
  const items: Item[] = [];
  for (const issue of await api.list(Issue, `${path}/issues?state=all`)) {
    const comments = await api.list(Comment, `${path}/issues/${issue.number}/comments`);
    const pull = issue.pull_request ? await readPull(api, path, issue.number, topicOf.get(issue.number)) : null;
    items.push({ ...issue, comments, pull });
  }
  return items.sort((a, b) => a.number - b.number);
}

async function readPull(api: Api, path: string, number: number, topic: string | undefined): Promise<Pull> {
  const pull = await api.ask(Pull, "GET", `${path}/pulls/${number}`);
  const reviews: Review[] = [];
  for (const review of await api.list(Review, `${path}/pulls/${number}/reviews`)) {
    const hasRemarks = review.comments_count > 0;
    const remarks = hasRemarks ? await api.list(Remark, `${path}/pulls/${number}/reviews/${review.id}/comments`) : [];
    reviews.push({ ...review, remarks });
  }
  return { ...pull, topic: topic ?? null, reviews };
}

/** What was said of a commit, oldest first. */
export async function readStatuses(api: Api, repo: string, sha: string): Promise<z.output<typeof Status>[]> {
  return (await api.list(Status, `/repos/${repo}/commits/${sha}/statuses`)).sort((a, b) => a.id - b.id);
}
