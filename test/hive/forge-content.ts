/** What a forge holds, read by its API past our own code: the same of two forges, when one was moved to the other. */
import { z } from "zod";
import type { Person } from "../support/raw-forge.ts";

const Login = z.object({ login: z.string() }).transform(({ login }) => login);
const Name = z.object({ name: z.string() }).transform(({ name }) => name);
const Issue = z.object({
  number: z.number(),
  title: z.string(),
  body: z.string(),
  user: Login,
  state: z.string(),
  labels: z.array(Name).nullish(),
  assignees: z.array(Login).nullish(),
  pull_request: z.object({ merged: z.boolean() }).nullish(),
});
const Pull = z.object({
  head: z.object({ sha: z.string() }),
  base: z.object({ ref: z.string() }),
  merged: z.boolean(),
  merge_commit_sha: z.string().nullable(),
  merged_by: Login.nullish(),
});
const Team = z.object({ id: z.number(), name: z.string(), includes_all_repositories: z.boolean() });
const Said = z.object({ user: Login, body: z.string() });
const Review = Said.extend({ state: z.string(), dismissed: z.boolean(), commit_id: z.string() });
const Status = z.object({ context: z.string(), status: z.string(), creator: Login });

export async function forgeContent(admin: Person) {
  const read = async <Schema extends z.ZodType>(schema: Schema, path: string): Promise<z.output<Schema>> =>
    schema.parse(await admin.call("GET", path));
  const list = async <Schema extends z.ZodType>(row: Schema, path: string) =>
    (await read(z.array(row).nullable(), `${path}${path.includes("?") ? "&" : "?"}limit=50`)) ?? [];

  const pullOf = async (path: string, number: number) => {
    const pull = `${path}/pulls/${number}`;
    const { head, base, merged, merge_commit_sha, merged_by } = await read(Pull, pull);
    const files = await list(z.object({ filename: z.string() }), `${pull}/files`);
    const statuses = await list(Status, `${path}/commits/${head.sha}/statuses`);
    return {
      head: head.sha,
      base: base.ref,
      merge: merged ? [merge_commit_sha, merged_by] : null,
      files: files.map(({ filename }) => filename),
      statuses: statuses.map(({ context, status, creator }) => `${creator}: ${context} ${status}`).sort(),
    };
  };
  const repoOf = async (name: string) => {
    const path = `/repos/${name}`;
    const branches = await list(
      z.object({ name: z.string(), commit: z.object({ id: z.string() }) }),
      `${path}/branches`,
    );
    const tags = await list(z.object({ name: z.string(), commit: z.object({ sha: z.string() }) }), `${path}/tags`);
    const items = (await list(Issue, `${path}/issues?state=all`)).sort((a, b) => a.number - b.number);
    return {
      name,
      branches: branches.map((branch) => `${branch.name} ${branch.commit.id}`).sort(),
      tags: tags.map((tag) => `${tag.name} ${tag.commit.sha}`).sort(),
      collaborators: (await list(Login, `${path}/collaborators`)).sort(),
      ...(await read(z.object({ private: z.boolean(), default_branch: z.string() }), path)),
      items: await Promise.all(
        items.map(async ({ body: _, pull_request, ...item }) => ({
          ...item,
          labels: item.labels ?? [],
          assignees: item.assignees ?? [],
          pull: pull_request ? await pullOf(path, item.number) : null,
        })),
      ),
    };
  };
  const teamsOf = async (org: string) => {
    const teams = await list(Team, `/orgs/${org}/teams`);
    const whole = teams.map(async ({ id, ...team }) => ({
      ...team,
      members: (await list(Login, `/teams/${id}/members`)).sort(),
    }));
    return { org, teams: (await Promise.all(whole)).sort((a, b) => a.name.localeCompare(b.name)) };
  };
  const { data } = await read(
    z.object({ data: z.array(z.object({ full_name: z.string() })) }),
    "/repos/search?limit=50",
  );
  const repos = data.map(({ full_name }) => full_name).sort();
  const User = z.object({
    login: z.string(),
    email: z.string(),
    full_name: z.string(),
    is_admin: z.boolean(),
    restricted: z.boolean(),
  });
  const users = (await list(User, "/admin/users")).filter(({ login }) => login !== "hive-admin");
  const orgs = (await list(Name, "/orgs")).sort();
  return {
    users: users.sort((a, b) => a.login.localeCompare(b.login)),
    organizations: await Promise.all(orgs.map(teamsOf)),
    repositories: await Promise.all(repos.map(repoOf)),
  };
}

/** What was said under an item: comments and the reviews that somebody gave, each as author and text. */
export async function thread(admin: Person, repo: string, number: number, isPull: boolean) {
  const path = `/repos/${repo}`;
  const { body } = Issue.parse(await admin.call("GET", `${path}/issues/${number}`));
  const comments = z.array(Said).parse(await admin.call("GET", `${path}/issues/${number}/comments`));
  const reviews = isPull ? z.array(Review).parse(await admin.call("GET", `${path}/pulls/${number}/reviews`)) : [];
  return { body, comments, reviews };
}
