/** All that provisioning makes on a forge, read by its API past our own client: equal for two forges that are equal for us. */
import { z } from "zod";
import type { Provisioned } from "./provisioned.ts";
import { type Person, withToken } from "./raw-forge.ts";

const rows = (fields: Record<string, z.ZodType>) => z.array(z.object(fields));
const Name = { name: z.string() };
const Team = {
  id: z.number(),
  ...Name,
  permission: z.string(),
  units_map: z.record(z.string(), z.string()),
  includes_all_repositories: z.boolean(),
  can_create_org_repo: z.boolean(),
};
const Repo = z.object({
  private: z.boolean(),
  archived: z.boolean(),
  default_branch: z.string(),
  has_issues: z.boolean(),
  has_pull_requests: z.boolean(),
  allow_merge_commits: z.boolean(),
});
const Hook = {
  type: z.string(),
  active: z.boolean(),
  events: z.array(z.string()).transform((events) => events.toSorted()),
  config: z.object({ url: z.string(), content_type: z.string() }),
};
const User = z.object({
  login: z.string(),
  email: z.string(),
  is_admin: z.boolean(),
  restricted: z.boolean(),
  active: z.boolean(),
  prohibit_login: z.boolean(),
});
/** Lists of names come in the order in which the users were made. */
const Rule = z
  .looseObject({})
  .transform(({ created_at: _, updated_at: __, ...rule }) =>
    Object.entries(rule).map(([field, value]) => [field, Array.isArray(value) ? value.toSorted() : value]),
  );

/** @param users whose accounts and tokens are looked at beside the rest */
export async function forgeInventory(parts: Provisioned, admin: Person, users: readonly string[]) {
  const read = async <Schema extends z.ZodType>(schema: Schema, path: string) =>
    schema.parse(await admin.call("GET", path));
  const teamsOf = async (org: string) => {
    const teams = (await read(rows(Team), `/orgs/${org}/teams`)) as ({ id: number; name: string } & object)[];
    const whole = teams.map(async ({ id, ...team }) => {
      const members = await read(rows({ login: z.string() }), `/teams/${id}/members`);
      return { ...team, members: members.map(({ login }) => login).sort() };
    });
    return (await Promise.all(whole)).sort((a, b) => a.name.localeCompare(b.name));
  };
  const each = async <Found>(names: readonly string[], look: (name: string) => Promise<Found>) =>
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await look(name)] as const)));
  return {
    organizations: await each(["hive", "org-shared"], async (org) => ({
      ...(await read(z.object({ visibility: z.string() }), `/orgs/${org}`)),
      teams: await teamsOf(org),
    })),
    repositories: await each(["hive/agents", "hive/questions", "org-shared/docs"], async (repo) => ({
      ...(await read(Repo, `/repos/${repo}`)),
      files: (await read(rows(Name), `/repos/${repo}/contents`)).map(({ name }) => name),
      labels: await read(rows({ ...Name, color: z.string() }), `/repos/${repo}/labels`),
      collaborators: (await read(rows({ login: z.string() }), `/repos/${repo}/collaborators`)).map(
        ({ login }) => login,
      ),
      rules: await read(z.array(Rule), `/repos/${repo}/branch_protections`),
    })),
    hooks: await read(rows(Hook), "/admin/hooks"),
    users: await each(users, async (user) => ({
      ...(await read(User, `/users/${user}`)),
      token: await withToken(parts.forge.url, parts.tokens.read(user) ?? "").status("GET", "/user"),
    })),
  };
}
