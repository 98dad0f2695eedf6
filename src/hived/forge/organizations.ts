/** Organizations with their repositories, teams and labels, as pieces. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { AgentRole } from "../../contract/agent.ts";
import type { AgentName } from "../../contract/names.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { Reader } from "../database/write.ts";
import { emailOf } from "./addresses.ts";
import type { Forge } from "./client.ts";
import { type Difference, difference, type Piece } from "./difference.ts";
import { agentTeams, bot, type Member, type Organization, operator, organizations } from "./plan.ts";
import type { RepoSettings } from "./verbs/layout.ts";
import { type Org, type Team, teamBody } from "./verbs/people.ts";

const memory = (org: string) => `organization:${org}`;

/** Whether this hive has made the organization. */
export const isOrgOurs = (reader: Reader, org: string): boolean => readMeta(reader, memory(org)) !== undefined;

export const orgPiece = (core: Core, forge: Forge, { name }: Organization): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const what = `organization ${name}`;
    const found = await admin.findOrg(name);
    const remember = ({ id }: Org) => core.db.write((tx) => writeMeta(tx, memory(name), String(id)));
    const make = async () => remember(await admin.createOrg({ name, email: emailOf(core, name) }));
    if (!found) return [difference(what, "private visibility", null, make)];
    const wrong: Difference[] = [];
    // One that is there is ours, or the probe would have refused it: a crash came before it was remembered.
    if (!core.db.read((reader) => isOrgOurs(reader, name)))
      wrong.push(difference(`note that ${what} is ours`, "its id", null, () => remember(found)));
    if (found.visibility !== "private")
      wrong.push(difference(what, "private visibility", found.visibility, () => admin.makeOrgPrivate(name)));
    return wrong;
  },
});

/** Teams and who is in them, of the people of the hive: whom the operator lets in besides is the operator's affair. */
export const teamsPiece = (forge: Forge, { name: org, teams }: Organization): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const there = await admin.listTeams(org);
    return teams.flatMap((plan) => {
      const what = `team ${plan.name} of ${org}`;
      const found = there.find(({ name }) => name === plan.name);
      if (!found) return [difference(what, teamText(teamBody(plan)), null, () => admin.createTeam(org, plan))];
      if (teamText(found) === teamText(teamBody(plan))) return [];
      return [difference(what, teamText(teamBody(plan)), teamText(found), () => admin.editTeam(found.id, plan))];
    });
  },
});

/** What a team may do in the units that the hive uses; others, such as a wiki, are the operator's. */
function teamText(team: Omit<Team, "id" | "name">): string {
  const units = ["repo.code", "repo.issues", "repo.pulls"].map(
    (unit) => `${unit}: ${team.units_map?.[unit] ?? "none"}`,
  );
  const repos = team.includes_all_repositories ? "all repositories" : "some repositories";
  const makes = team.can_create_org_repo ? ", may make repositories" : "";
  return `${team.permission}, ${repos}${makes}, ${units.join(", ")}`;
}

type Agents = { name: AgentName; role: AgentRole }[];

/**
 * The bot and the operator are in their teams, and nobody of the hive is in a team with more rights than it should have:
 * an agent among the owners could change the rule of approvals.
 */
export const membersPiece = (forge: Forge, { name: org, teams }: Organization, agents: () => Agents): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const looked = (await admin.listTeams(org)).map(async ({ id, name: team }) => {
      const members = teams.find(({ name }) => name === team)?.members ?? [];
      if (members.includes("each agent")) return []; // everybody may be there; whether they are is each agent's piece
      const there = await admin.listTeamMembers(id);
      const mayBeThere: string[] = [...members, ...agents().flatMap((agent) => managerName(agent, members))];
      const ours = new Set<string>([bot, ...agents().map(({ name }) => name)]);
      const extra = there.filter((user) => ours.has(user) && !mayBeThere.includes(user));
      const missing = ([bot, operator] as const).filter((user) => members.includes(user) && !there.includes(user));
      const what = (user: string) => `${user} in team ${team} of ${org}`;
      return [
        ...missing.map((user) => difference(what(user), "a member", null, () => admin.addTeamMember(id, user))),
        ...extra.map((user) => difference(what(user), "no member", "one", () => admin.removeTeamMember(id, user))),
      ];
    });
    return (await Promise.all(looked)).flat();
  },
});

const managerName = ({ name, role }: Agents[number], members: readonly Member[]): string[] =>
  role === "manager" && members.includes("the manager") ? [name] : [];

/** Who is in a team; undefined when there is no such team. */
export type Roster = (org: string, team: string) => ReadonlySet<string> | undefined;

/** Reads all teams at once: asking for each agent in each would be many times the calls. */
export async function readRoster(forge: Forge): Promise<Roster> {
  const admin = forge.as("hive-admin");
  const reading = organizations.map(async ({ name: org }) => {
    const teams = await admin.listTeams(org);
    return Promise.all(
      teams.map(async ({ id, name }) => [`${org}/${name}`, new Set(await admin.listTeamMembers(id))] as const),
    );
  });
  const all = new Map((await Promise.all(reading)).flat());
  return (org, team) => all.get(`${org}/${team}`);
}

/**
 * The teams that an agent is in, and those that it is in no more.
 * @param roster of a moment ago, where there is one: what is right there is not asked again
 */
export const agentTeamsPiece = (forge: Forge, agent: AgentName, role: AgentRole, roster?: Roster): Piece => ({
  async look() {
    const isRight = agentTeams(role).every(({ org, team, isMember }) => roster?.(org, team)?.has(agent) === isMember);
    if (isRight) return [];
    const admin = forge.as("hive-admin");
    const looked = agentTeams(role).map(async ({ org, team, isMember }): Promise<Difference[]> => {
      const found = (await admin.listTeams(org)).find(({ name }) => name === team);
      if (!found) return []; // it is missed as a team, and comes before its members
      const isThere = await admin.isTeamMember(found.id, agent);
      if (isThere === isMember) return [];
      const what = `${agent} in team ${team} of ${org}`;
      if (isMember) return [difference(what, "a member", null, () => admin.addTeamMember(found.id, agent))];
      return [difference(what, "no member", "one", () => admin.removeTeamMember(found.id, agent))];
    });
    return (await Promise.all(looked)).flat();
  },
});

export const repoPiece = (forge: Forge, { repo, description, settings }: Organization["repos"][number]): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const what = `repository ${repo}`;
    const found = await admin.readRepo(repo);
    const make = async () => {
      await admin.createOrgRepo(repo, description);
      await admin.editRepo(repo, settings);
    };
    const wanted = Object.keys(settings) as (keyof RepoSettings)[];
    const wrong = wanted.filter((field) => settings[field] !== undefined && settings[field] !== found?.[field]);
    const text = (of: RepoSettings) => wrong.map((field) => `${field}: ${of[field]}`).join(", ");
    if (!found) return [difference(what, text(settings), null, make)];
    return wrong.length === 0
      ? []
      : [difference(what, text(settings), text(found), () => admin.editRepo(repo, settings))];
  },
});

/** Nobody is let into a repository by name: rights come from teams alone, where whom the operator lets in is seen, too. */
export const collaboratorsPiece = (forge: Forge, repo: string): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const there = await admin.listCollaborators(repo);
    return there.map((user) => {
      const what = `${user} in repository ${repo}`;
      return difference(what, "no collaborator", "one", () => admin.removeCollaborator(repo, user));
    });
  },
});

const Labels = z.record(
  z.string(),
  z.array(z.object({ name: z.string(), color: z.string().regex(/^[0-9a-f]{6}$/), description: z.string() })),
);

/** Labels of forge/labels.json that a repository lacks; one that somebody gave another look keeps it. */
export function labelPieces(forge: Forge, program: string): Piece[] {
  const wanted = Labels.parse(JSON.parse(readFileSync(join(program, "forge/labels.json"), "utf8")));
  return Object.entries(wanted).map(([repo, labels]) => ({
    async look() {
      const there = new Set((await forge.as("hive-admin").listLabels(repo)).map(({ name }) => name));
      return labels
        .filter(({ name }) => !there.has(name))
        .map((label) =>
          difference(`label ${label.name} of ${repo}`, `the colour ${label.color}`, null, () =>
            forge.as("hive-bot").createLabel(repo, label),
          ),
        );
    },
  }));
}
