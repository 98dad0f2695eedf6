/** Users, organizations and teams on the new forge. */
import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Api } from "./api.ts";
import { admin, type Organization, type User } from "./source.ts";

const Id = z.object({ id: z.number() });

/** Of every user, known here while the migration runs: by it a user pushes. */
export type Passwords = ReadonlyMap<string, string>;

/** Long enough for any rule, of characters that each of the usual rules asks for. */
const newPassword = (): string => `${randomBytes(18).toString("base64url")}-aA1`;

/** @param operatorPassword the operator's first password as hived keeps it; undefined when it has none */
export function choosePasswords(users: readonly User[], operatorPassword: string | undefined): Passwords {
  return new Map(
    users.map(({ login }) => [login, (login === "operator" && operatorPassword) || newPassword()] as const),
  );
}

export async function makeUsers(to: Api, users: readonly User[], passwords: Passwords): Promise<void> {
  for (const { login, email, full_name, restricted, visibility } of users) {
    const account = { username: login, email, full_name, restricted, visibility, password: passwords.get(login) };
    await to.tell("POST", "/admin/users", { body: { ...account, must_change_password: false, send_notify: false } });
  }
}

/**
 * What would have been in the way before: rights and bars, and that people choose a password of their own.
 * @param isOurs users whose passwords hived keeps, or makes anew
 */
export async function finishUsers(to: Api, users: readonly User[], isOurs: (user: User) => boolean): Promise<void> {
  for (const user of users) {
    const { login, description, website, location, is_admin, active, prohibit_login } = user;
    const profile = { description, website, location, admin: is_admin, active, prohibit_login };
    const demanded = { login_name: login, source_id: 0, allow_create_organization: false };
    const body = { ...demanded, ...profile, must_change_password: !isOurs(user) };
    await to.tell("PATCH", `/admin/users/${login}`, { body });
  }
}

export async function makeOrganization(to: Api, org: Organization): Promise<void> {
  const { name, labels, teams, email, ...fields } = org;
  await to.tell("POST", "/orgs", { body: { username: name, ...(email ? { email } : {}), ...fields } });
  for (const { id: _, ...label } of labels) await to.tell("POST", `/orgs/${name}/labels`, { body: label });
  for (const team of teams) await makeTeam(to, name, team);
}

const Named = z.object({ ...Id.shape, name: z.string() });
const owners = "Owners";

async function makeTeam(to: Api, org: string, team: Organization["teams"][number]): Promise<void> {
  const { id: _, members, repos: __, ...plan } = team;
  // A team of several levels has none of its own, and none is not taken.
  const body = plan.permission === "none" ? { ...plan, permission: "read" } : plan;
  const { id } =
    team.name === owners
      ? await teamOf(to, org, owners)
      : await to.ask(Id, "POST", `/orgs/${org}/teams`, { body: { ...body, units: Object.keys(plan.units_map) } });
  for (const user of members) await to.tell("PUT", `/teams/${id}/members/${user}`);
}

async function teamOf(to: Api, org: string, name: string): Promise<{ id: number }> {
  const found = (await to.list(Named, `/orgs/${org}/teams`)).find((team) => team.name === name);
  if (!found) throw new Error(`organization ${org} has no team ${name}`);
  return found;
}

/** When the repositories are there: which of them a team covers; and the admin, who has made it all, goes out again. */
export async function finishOrganization(to: Api, { name: org, teams }: Organization): Promise<void> {
  for (const { name, repos, members } of teams) {
    const { id } = await teamOf(to, org, name);
    for (const repo of repos) await to.tell("PUT", `/teams/${id}/repos/${repo}`);
    if (name === owners && !members.includes(admin)) await to.tell("DELETE", `/teams/${id}/members/${admin}`);
  }
}
