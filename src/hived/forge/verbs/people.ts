/** Users, their tokens, organizations and teams. */
import { z } from "zod";
import type { Answer, Api, Connection } from "../connection.ts";
import { ForgeRefusal, isRefused, isTokenRefused } from "../errors.ts";
import { encode, Text } from "./shapes.ts";

const User = z.object({
  login: z.string(),
  email: Text,
  is_admin: z.boolean(),
  restricted: z.boolean(),
  active: z.boolean(),
  prohibit_login: z.boolean(),
});
/** What only a site admin is shown, and sets. */
export type UserFlags = { restricted: boolean; admin: boolean; active: boolean; prohibit_login: boolean };
const Org = z.object({ id: z.number().int(), visibility: z.string(), email: Text });
export type Org = z.output<typeof Org>;

const Team = z.object({
  id: z.number().int(),
  name: z.string(),
  permission: z.string(),
  includes_all_repositories: z.boolean(),
  can_create_org_repo: z.boolean(),
  units_map: z.record(z.string(), z.string()).nullish(),
});
export type Team = z.output<typeof Team>;
export type TeamPlan = { name: string; permission: "read" | "write" };

/** What a team may do in each repository of its organization; sent whole, since an absent unit is a server's error. */
export const teamBody = ({ name, permission }: TeamPlan) => ({
  name,
  permission,
  units_map: { "repo.code": permission, "repo.issues": permission, "repo.pulls": permission },
  includes_all_repositories: true,
  can_create_org_repo: false,
});

export function peopleVerbs(connection: Connection) {
  return {
    async readVersion(): Promise<string> {
      return (await connection.ask(z.object({ version: z.string() }), (api) => api.version.getVersion())).version;
    },
    async whoAmI(): Promise<{ name: string; isAdmin: boolean }> {
      const { login, is_admin } = await connection.ask(User, (api) => api.user.userGetCurrent());
      return { name: login, isAdmin: is_admin };
    },
    /** Scopes that provisioning needs and the token lacks: asked with bodies that no forge would take. */
    async listRefusedScopes(): Promise<string[]> {
      const asked: [scope: string, call: (api: Api) => Promise<Answer>][] = [
        ["write:admin", (api) => api.admin.adminCreateUser(nothing)],
        ["write:organization", (api) => api.orgs.orgCreate(nothing)],
        ["write:repository", (api) => api.repos.repoMigrate(nothing)],
        ["read:issue", (api) => api.repos.issueSearchIssues({ limit: 1 })],
      ];
      const refused = asked.map(async ([scope, call]) => ((await isScopeRefused(connection, call)) ? [scope] : []));
      return (await Promise.all(refused)).flat();
    },
    /** Whether the forge knows the token, and as this user's: who was renamed keeps a token. */
    async hasGoodToken(user: string): Promise<boolean> {
      try {
        const { login } = await connection.ask(z.object({ login: z.string() }), (api) => api.user.userGetCurrent());
        return login === user;
      } catch (error) {
        if (isTokenRefused(error)) return false;
        throw error;
      }
    },
    async findUser(name: string): Promise<{ name: string; email: string; flags: UserFlags } | null> {
      const user = await connection.find(User, (api) => api.users.userGet(encode(name)));
      if (!user) return null;
      const { login, email, is_admin: admin, restricted, active, prohibit_login } = user;
      return { name: login, email, flags: { restricted, admin, active, prohibit_login } };
    },
    /** @param user `isRestricted`: sees only what a team or a collaboration gives */
    async createUser(user: { name: string; email: string; password: string; isRestricted: boolean }): Promise<void> {
      const body = {
        username: user.name,
        email: user.email,
        password: user.password,
        restricted: user.isRestricted,
        visibility: "limited",
        must_change_password: false, // otherwise its API answers 403
        send_notify: false,
      };
      await connection.tell((api) => api.admin.adminCreateUser(body));
    },
    /** Sets a password, and that the user makes no organizations. */
    async setPassword(name: string, password: string): Promise<void> {
      const body = {
        login_name: name,
        source_id: 0, // both are demanded by 7.0
        password,
        must_change_password: false,
        allow_create_organization: false,
      };
      await connection.tell((api) => api.admin.adminEditUser(encode(name), body));
    },
    async setFlags(name: string, flags: UserFlags): Promise<void> {
      const body = { login_name: name, source_id: 0, ...flags };
      await connection.tell((api) => api.admin.adminEditUser(encode(name), body));
    },
    findOrg: (name: string): Promise<Org | null> => connection.find(Org, (api) => api.orgs.orgGet(encode(name))),
    /** Private. @param email forges may leave it out */
    createOrg(org: { name: string; email: string }): Promise<Org> {
      const body = { username: org.name, email: org.email, visibility: "private" as const };
      return connection.ask(Org, (api) => api.orgs.orgCreate(body));
    },
    async makeOrgPrivate(name: string): Promise<void> {
      await connection.tell((api) => api.orgs.orgEdit(encode(name), { visibility: "private" }));
    },
    /** None when there is no such organization. */
    async listTeams(org: string): Promise<Team[]> {
      try {
        return await connection.list(Team, (api, page) => api.orgs.orgListTeams(encode(org), page));
      } catch (error) {
        if (!isRefused(error, 404)) throw error;
        return [];
      }
    },
    async listTeamMembers(team: number): Promise<string[]> {
      const members = await connection.list(User, (api, page) => api.teams.orgListTeamMembers(team, page));
      return members.map(({ login }) => login);
    },
    createTeam: (org: string, plan: TeamPlan): Promise<Team> =>
      connection.ask(Team, (api) => api.orgs.orgCreateTeam(encode(org), teamBody(plan))),
    /** `includes_all_repositories` counts only with the permission beside it. */
    async editTeam(id: number, plan: TeamPlan): Promise<void> {
      await connection.tell((api) => api.teams.orgEditTeam(id, teamBody(plan)));
    },
    async isTeamMember(team: number, user: string): Promise<boolean> {
      const found = await connection.find(User, (api) => api.teams.orgListTeamMember(team, encode(user)));
      return found !== null;
    },
    async addTeamMember(team: number, user: string): Promise<void> {
      await connection.tell((api) => api.teams.orgAddTeamMember(team, encode(user)));
    },
    async removeTeamMember(team: number, user: string): Promise<void> {
      await connection.tell((api) => api.teams.orgRemoveTeamMember(team, encode(user)));
    },
  };
}

/** What no creation takes, but only after the scope was found good: 422. */
// biome-ignore lint/suspicious/noExplicitAny: each call has required fields of its own
const nothing = {} as any;

async function isScopeRefused(connection: Connection, call: (api: Api) => Promise<Answer>): Promise<boolean> {
  try {
    await connection.tell(call);
    return false;
  } catch (error) {
    if (!(error instanceof ForgeRefusal)) throw error;
    return error.status === 403;
  }
}

const Token = z
  .object({ id: z.number().int(), name: z.string(), token_last_eight: z.string() })
  .transform(({ token_last_eight: lastEight, ...token }) => ({ ...token, lastEight }));
const NewToken = z.object({ sha1: z.string().min(20) });

/** Only with the user's password: the forge answers a token with 401 here. */
export function tokenVerbs(connection: Connection, user: string) {
  return {
    listTokens: () => connection.list(Token, (api, page) => api.users.userGetTokens(encode(user), page)),
    /** The token itself, which the forge shows this once. */
    async createToken(name: string, scopes: string[]): Promise<string> {
      const made = await connection.ask(NewToken, (api) => api.users.userCreateToken(encode(user), { name, scopes }));
      return made.sha1;
    },
    async deleteToken(id: number): Promise<void> {
      await connection.tell((api) => api.users.userDeleteAccessToken(encode(user), String(id)));
    },
  };
}
