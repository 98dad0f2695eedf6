/** Organizations with their repositories, teams and labels, as the plan says. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Forge } from "./client.ts";
import { organizations } from "./plan.ts";
import type { Team, TeamPlan } from "./verbs/people.ts";

type Say = (sentence: string) => void;

/** Both at once, as most of the time is spent waiting for the forge. */
export async function provisionOrganizations(forge: Forge, say: Say): Promise<void> {
  const making = organizations.map(async ({ name, repos, teams }) => {
    await provisionOrg(forge, name, say);
    const there = await forge.as("hive-admin").listTeams(name);
    // Teams first: whatever comes into being after them is theirs from the start.
    for (const { members, ...plan } of teams) await provisionTeam(forge, name, plan, members, there);
    for (const { repo, description } of repos) await provisionRepo(forge, repo, description, say);
  });
  await Promise.all(making);
}

async function provisionOrg(forge: Forge, name: string, say: Say): Promise<void> {
  const admin = forge.as("hive-admin");
  if (await admin.hasOrg(name)) return;
  say(`Making the organization ${name}.`);
  await admin.createOrg(name);
}

async function provisionRepo(forge: Forge, repo: string, description: string, say: Say): Promise<void> {
  const admin = forge.as("hive-admin");
  const found = await admin.findRepo(repo);
  if (found?.isPrivate) return;
  if (found) return admin.makePrivate(repo);
  say(`Making the repository ${repo}.`);
  await admin.createOrgRepo(repo, description);
}

async function provisionTeam(
  forge: Forge,
  org: string,
  plan: TeamPlan,
  members: string[],
  there: Team[],
): Promise<void> {
  const admin = forge.as("hive-admin");
  const found = there.find(({ name }) => name === plan.name);
  const team = found ?? (await admin.createTeam(org, plan));
  if (!fits(team, plan)) await admin.editTeam(team.id, plan);
  for (const member of members) await enlist(forge, team.id, member);
}

/** Repositories of its organization: all of them, with the plan's right in each unit that the hive uses. */
function fits(team: Team, { permission }: TeamPlan): boolean {
  const units = team.units_map ?? {};
  const hasUnits = ["repo.code", "repo.issues", "repo.pulls"].every((unit) => units[unit] === permission);
  return team.includes_all_repositories && team.permission === permission && hasUnits;
}

async function enlist(forge: Forge, team: number, user: string): Promise<void> {
  const admin = forge.as("hive-admin");
  if (!(await admin.isTeamMember(team, user))) await admin.addTeamMember(team, user);
}

/** Puts a user into a team, or takes it out. @throws Error when provisioning has not made the team */
export async function setMembership(
  forge: Forge,
  { org, team }: { org: string; team: string },
  user: string,
  isMember: boolean,
): Promise<void> {
  const admin = forge.as("hive-admin");
  const found = (await admin.listTeams(org)).find(({ name }) => name === team);
  if (!found) throw new Error(`${org} has no team ${team}`);
  if (isMember) return enlist(forge, found.id, user);
  if (await admin.isTeamMember(found.id, user)) await admin.removeTeamMember(found.id, user);
}

const Labels = z.record(
  z.string(),
  z.array(z.object({ name: z.string(), color: z.string().regex(/^[0-9a-f]{6}$/), description: z.string() })),
);

/** Labels of forge/labels.json that a repository lacks; one that somebody gave another look keeps it. */
export async function provisionLabels(forge: Forge, program: string): Promise<void> {
  const wanted = Labels.parse(JSON.parse(readFileSync(join(program, "forge/labels.json"), "utf8")));
  const as = forge.as("hive-bot");
  for (const [repo, labels] of Object.entries(wanted)) {
    const there = new Set((await as.listLabels(repo)).map(({ name }) => name));
    for (const label of labels) if (!there.has(label.name)) await as.createLabel(repo, label);
  }
}
