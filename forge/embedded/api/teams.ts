/** Teams: what they grant, who is in them, which repositories they cover. */
import { z } from "zod";
import { LEVELS } from "../domain/access-level.ts";
import { orgsOf } from "../domain/orgs.ts";
import { findRepo, visibleRepos } from "../domain/permissions.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import {
  addMember,
  addTeamRepo,
  changeTeam,
  createTeam,
  deleteTeam,
  doesTeamCover,
  isMember,
  membersOf,
  removeMember,
  removeTeamRepo,
  type Team,
  teamByName,
  teamsOfMember,
  teamsOfOrg,
} from "../domain/teams.ts";
import { findUser, requireUser } from "../domain/users.ts";
import { teamJson, userJson } from "../shapes/user.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, given, maybe, orgPath, repoPath, teamPath, text, texts } from "./fields.ts";
import { pagedFrom, pageOf, paging, pagingQuery } from "./paging.ts";
import { adminRepoOf, memberOrgOf, ownedOrgOf, ownedTeamOf, repoFor, repoOf, teamOf } from "./places.ts";

const TeamBody = z
  .object({
    name: text,
    description: text,
    permission: maybe(z.enum(LEVELS)),
    units: texts,
    units_map: maybe(z.record(z.string(), z.string())),
    includes_all_repositories: flag,
    can_create_org_repo: flag,
  })
  .transform(given);

const memberPath = teamPath.extend({ username: z.string() });
const coveredPath = teamPath.extend({ org: z.string(), repo: z.string() });
const repoTeamPath = repoPath.extend({ team: z.string() });

/** Who belongs to no team of the organization sees none; its owners see all. */
function visibleTeams(call: Call<{ org: string }>): Team[] {
  const org = memberOrgOf(call);
  return teamsOfOrg(call.forge.db, org);
}

function coveredRepo(call: Call<{ id: number; org: string; repo: string }>, team: Team): Repo {
  const { repo } = findRepo(call.forge.db, call.user, call.params.org, call.params.repo);
  if (repo.owner_id !== team.org_id) throw notFound();
  return repo;
}

/** @throws Refusal 404 repository of a user, or no such team */
function teamOfRepo(call: Call<{ owner: string; repo: string; team: string }>, repo: Repo): Team {
  const owner = requireUser(call.forge.db, repo.owner_id);
  if (owner.kind !== "org") throw new Refusal(405, "repo is not owned by an organization");
  const team = teamByName(call.forge.db, owner, call.params.team);
  if (!team) throw notFound();
  return team;
}

const teamsCovering = (call: Call, repo: Repo): Team[] =>
  teamsOfOrg(call.forge.db, requireUser(call.forge.db, repo.owner_id)).filter((team) =>
    doesTeamCover(call.forge.db, team, repo),
  );

export const teamEndpoints: Endpoint[] = [
  endpoint("GET", "/orgs/:org/teams", { scopes: ["organization"], params: orgPath, query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), visibleTeams(call), (team) => teamJson(call.forge, team)),
  ),
  endpoint(
    "GET",
    "/orgs/:org/teams/search",
    { scopes: ["organization"], params: orgPath, query: z.object({ ...paging, q: z.string().default("") }) },
    (call) => {
      const teams = visibleTeams(call).filter((team) => team.lower_name.includes(call.query.q.toLowerCase()));
      const answer = pagedFrom(call, pageOf(call.query), teams, (team) => teamJson(call.forge, team));
      return { ...answer, body: { data: answer.body, ok: true } };
    },
  ),
  endpoint("POST", "/orgs/:org/teams", { scopes: ["organization"], params: orgPath, body: TeamBody }, (call) =>
    created(teamJson(call.forge, createTeam(call.forge, ownedOrgOf(call), call.body), true)),
  ),
  endpoint("GET", "/user/teams", { scopes: ["user", "organization"], query: pagingQuery }, (call) => {
    const teams = orgsOf(call.forge.db, call.user).flatMap((org) => teamsOfMember(call.forge.db, org.id, call.user.id));
    return pagedFrom(call, pageOf(call.query), teams, (team) => teamJson(call.forge, team, true));
  }),
  endpoint("GET", "/teams/:id", { scopes: ["organization"], params: teamPath }, (call) =>
    ok(teamJson(call.forge, teamOf(call).team, true)),
  ),
  endpoint("PATCH", "/teams/:id", { scopes: ["organization"], params: teamPath, body: TeamBody }, (call) =>
    ok(teamJson(call.forge, changeTeam(call.forge, ownedTeamOf(call).team, call.body), true)),
  ),
  endpoint("DELETE", "/teams/:id", { scopes: ["organization"], params: teamPath }, (call) => {
    deleteTeam(call.forge.db, ownedTeamOf(call).team);
    return NO_CONTENT;
  }),

  endpoint("GET", "/teams/:id/members", { scopes: ["organization"], params: teamPath, query: pagingQuery }, (call) =>
    pagedFrom(call, pageOf(call.query), membersOf(call.forge.db, teamOf(call).team), (user) =>
      userJson(call.forge, user, call.user),
    ),
  ),
  endpoint("GET", "/teams/:id/members/:username", { scopes: ["organization"], params: memberPath }, (call) => {
    const { team } = teamOf(call);
    const user = findUser(call.forge.db, call.params.username);
    if (!isMember(call.forge.db, team.id, user.id)) throw notFound();
    return ok(userJson(call.forge, user, call.user));
  }),
  endpoint("PUT", "/teams/:id/members/:username", { scopes: ["organization"], params: memberPath }, (call) => {
    const { team } = ownedTeamOf(call);
    addMember(call.forge.db, team.id, findUser(call.forge.db, call.params.username));
    return NO_CONTENT;
  }),
  endpoint("DELETE", "/teams/:id/members/:username", { scopes: ["organization"], params: memberPath }, (call) => {
    const { team } = ownedTeamOf(call);
    removeMember(call.forge.db, team, findUser(call.forge.db, call.params.username));
    return NO_CONTENT;
  }),

  endpoint("GET", "/teams/:id/repos", { scopes: ["organization"], params: teamPath, query: pagingQuery }, (call) => {
    const { team } = teamOf(call);
    const repos = visibleRepos(call.forge.db, call.user).filter((repo) => doesTeamCover(call.forge.db, team, repo));
    return pagedFrom(call, pageOf(call.query), repos, (repo) => repoFor(call, repo));
  }),
  endpoint("GET", "/teams/:id/repos/:org/:repo", { scopes: ["organization"], params: coveredPath }, (call) => {
    const { team } = teamOf(call);
    const repo = coveredRepo(call, team);
    if (!doesTeamCover(call.forge.db, team, repo)) throw notFound();
    return ok(repoFor(call, repo));
  }),
  endpoint("PUT", "/teams/:id/repos/:org/:repo", { scopes: ["organization"], params: coveredPath }, (call) => {
    const { team } = ownedTeamOf(call);
    addTeamRepo(call.forge.db, team, coveredRepo(call, team));
    return NO_CONTENT;
  }),
  endpoint("DELETE", "/teams/:id/repos/:org/:repo", { scopes: ["organization"], params: coveredPath }, (call) => {
    const { team } = ownedTeamOf(call);
    removeTeamRepo(call.forge.db, team, coveredRepo(call, team));
    return NO_CONTENT;
  }),

  endpoint("GET", "/repos/:owner/:repo/teams", { scopes: ["repository"], params: repoPath }, (call) => {
    const { repo } = repoOf(call);
    return ok(teamsCovering(call, repo).map((team) => teamJson(call.forge, team)));
  }),
  endpoint("GET", "/repos/:owner/:repo/teams/:team", { scopes: ["repository"], params: repoTeamPath }, (call) => {
    const { repo } = repoOf(call);
    const team = teamOfRepo(call, repo);
    if (!doesTeamCover(call.forge.db, team, repo)) throw notFound();
    return ok(teamJson(call.forge, team));
  }),
  endpoint("PUT", "/repos/:owner/:repo/teams/:team", { scopes: ["repository"], params: repoTeamPath }, (call) => {
    const { repo } = adminRepoOf(call);
    addTeamRepo(call.forge.db, teamOfRepo(call, repo), repo);
    return NO_CONTENT;
  }),
  endpoint("DELETE", "/repos/:owner/:repo/teams/:team", { scopes: ["repository"], params: repoTeamPath }, (call) => {
    const { repo } = adminRepoOf(call);
    removeTeamRepo(call.forge.db, teamOfRepo(call, repo), repo);
    return NO_CONTENT;
  }),
];
