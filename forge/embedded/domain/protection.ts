/**
 * Table `protections`: rules of branches. A rule keeps users and teams as ids. As in Forgejo, names that could never use
 * what a list grants are dropped from it without a word: whoever writes a rule has to read it back.
 */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { isAtLeast } from "./access-level.ts";
import { matchesGlob } from "./globs.ts";
import { type Access, accessOf, demandRepoAdmin } from "./permissions.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { doesTeamCover, type Team, teamById, teamByName } from "./teams.ts";
import { requireUser, type User, userById, userByName } from "./users.ts";

interface Rule extends Flags, Texts {
  required_approvals: number;
  status_check_contexts: string[];
  push_whitelist_users: number[];
  push_whitelist_teams: number[];
  merge_whitelist_users: number[];
  merge_whitelist_teams: number[];
  approvals_whitelist_users: number[];
  approvals_whitelist_teams: number[];
}
interface Flags {
  enable_push: boolean;
  enable_push_whitelist: boolean;
  push_whitelist_deploy_keys: boolean;
  enable_merge_whitelist: boolean;
  enable_status_check: boolean;
  enable_approvals_whitelist: boolean;
  block_on_rejected_reviews: boolean;
  block_on_official_review_requests: boolean;
  block_on_outdated_branch: boolean;
  dismiss_stale_approvals: boolean;
  ignore_stale_approvals: boolean;
  require_signed_commits: boolean;
  apply_to_admins: boolean;
}
interface Texts {
  /** `;`-separated globs. */
  protected_file_patterns: string;
  unprotected_file_patterns: string;
}
export interface Protection extends Rule {
  id: number;
  repo_id: number;
  rule_name: string;
  created_at: number;
  updated_at: number;
}
interface ProtectionRow {
  id: number;
  repo_id: number;
  rule_name: string;
  rule: string;
  created_at: number;
  updated_at: number;
}
/** The API's words, where `approvals_whitelist_username` really is singular. */
interface Names {
  push_whitelist_usernames: string[];
  push_whitelist_teams: string[];
  merge_whitelist_usernames: string[];
  merge_whitelist_teams: string[];
  approvals_whitelist_username: string[];
  approvals_whitelist_teams: string[];
}
type Described = Flags & Texts & Names & Pick<Rule, "required_approvals" | "status_check_contexts">;
/** Only what is named is changed. */
type ProtectionWish = { [Key in keyof Described]?: Described[Key] | undefined };

const EMPTY: Rule = {
  enable_push: false,
  enable_push_whitelist: false,
  push_whitelist_deploy_keys: false,
  enable_merge_whitelist: false,
  enable_status_check: false,
  enable_approvals_whitelist: false,
  block_on_rejected_reviews: false,
  block_on_official_review_requests: false,
  block_on_outdated_branch: false,
  dismiss_stale_approvals: false,
  ignore_stale_approvals: false,
  require_signed_commits: false,
  apply_to_admins: false,
  protected_file_patterns: "",
  unprotected_file_patterns: "",
  required_approvals: 0,
  status_check_contexts: [],
  push_whitelist_users: [],
  push_whitelist_teams: [],
  merge_whitelist_users: [],
  merge_whitelist_teams: [],
  approvals_whitelist_users: [],
  approvals_whitelist_teams: [],
};

const parsed = ({ rule, ...row }: ProtectionRow): Protection => ({ ...EMPTY, ...JSON.parse(rule), ...row });

export const protectionsOf = (db: Database, repo: Repo): Protection[] =>
  db.all<ProtectionRow>("SELECT * FROM protections WHERE repo_id = :repo ORDER BY id", { repo: repo.id }).map(parsed);

/** @throws Refusal 404 */
export function findProtection(db: Database, repo: Repo, ruleName: string): Protection {
  const found = protectionsOf(db, repo).find((rule) => rule.rule_name === ruleName);
  if (!found) throw notFound();
  return found;
}

/** The rule that a branch is under: the oldest of its own name in any case, else the oldest glob that fits; as Forgejo. */
export function ruleFor(db: Database, repo: Repo, branch: string): Protection | undefined {
  const rules = protectionsOf(db, repo);
  const named = rules.find((rule) => rule.rule_name.toLowerCase() === branch.toLowerCase());
  return named ?? rules.find((rule) => matchesGlob(rule.rule_name, branch));
}

/**
 * @param actor must be admin of the repository
 * @throws Refusal 403 not an admin, or a rule of this name exists; 400 no name; 422 unknown user or team
 */
export function createProtection(
  forge: Forge,
  actor: User,
  repo: Repo,
  name: string,
  wish: ProtectionWish,
): Protection {
  demandRepoAdmin(accessOf(forge.db, actor, repo));
  if (name.trim() === "" || name.length > 255) throw new Refusal(400, "both rule_name and branch_name are empty");
  return forge.db.write(() => {
    if (protectionsOf(forge.db, repo).some((rule) => rule.rule_name === name)) {
      throw new Refusal(403, "Branch protection already exist");
    }
    const { id } = forge.db.run(
      `INSERT INTO protections (repo_id, rule_name, rule, created_at, updated_at)
       VALUES (:repo, :name, :rule, :now, :now)`,
      { repo: repo.id, name, rule: JSON.stringify(ruleOf(forge.db, repo, EMPTY, wish)), now: forge.now() },
    );
    return requireProtection(forge.db, id);
  });
}

/** @throws Refusal as createProtection */
export function changeProtection(
  forge: Forge,
  actor: User,
  repo: Repo,
  protection: Protection,
  wish: ProtectionWish,
): Protection {
  demandRepoAdmin(accessOf(forge.db, actor, repo));
  return forge.db.write(() => {
    forge.db.run("UPDATE protections SET rule = :rule, updated_at = :now WHERE id = :id", {
      id: protection.id,
      rule: JSON.stringify(ruleOf(forge.db, repo, protection, wish)),
      now: forge.now(),
    });
    return requireProtection(forge.db, protection.id);
  });
}

/** @throws Refusal 403 not an admin of the repository */
export function deleteProtection(forge: Forge, actor: User, repo: Repo, protection: Protection): void {
  demandRepoAdmin(accessOf(forge.db, actor, repo));
  forge.db.run("DELETE FROM protections WHERE id = :id", { id: protection.id });
}

function requireProtection(db: Database, id: number): Protection {
  const row = db.get<ProtectionRow>("SELECT * FROM protections WHERE id = :id", { id });
  if (!row) throw new Error(`protection ${id} has just been written but does not exist`);
  return parsed(row);
}

/** What a rule becomes by a wish. As in Forgejo, what concerns direct pushes is only read together with `enable_push`. */
function ruleOf(db: Database, repo: Repo, present: Rule, wish: ProtectionWish): Rule {
  if (wish.require_signed_commits) {
    throw new Refusal(422, "require_signed_commits: this forge cannot check signatures");
  }
  const rule: Rule = { ...EMPTY };
  for (const key of Object.keys(EMPTY) as (keyof Rule)[]) Object.assign(rule, { [key]: present[key] });
  for (const key of PLAIN) if (wish[key] !== undefined) Object.assign(rule, { [key]: wish[key] });
  if (wish.enable_push !== undefined) {
    rule.enable_push = wish.enable_push;
    rule.enable_push_whitelist = wish.enable_push && (wish.enable_push_whitelist ?? present.enable_push_whitelist);
    rule.push_whitelist_deploy_keys = rule.enable_push_whitelist && (wish.push_whitelist_deploy_keys ?? false);
  }
  return { ...rule, ...listedUsers(db, repo, rule, wish), ...listedTeams(db, repo, rule, wish) };
}

const PLAIN = [
  "enable_merge_whitelist",
  "enable_status_check",
  "enable_approvals_whitelist",
  "block_on_rejected_reviews",
  "block_on_official_review_requests",
  "block_on_outdated_branch",
  "dismiss_stale_approvals",
  "ignore_stale_approvals",
  "apply_to_admins",
  "protected_file_patterns",
  "unprotected_file_patterns",
  "required_approvals",
  "status_check_contexts",
] as const;

function listedUsers(db: Database, repo: Repo, present: Rule, wish: ProtectionWish) {
  const list = (names: string[] | undefined, old: number[], isSuitable: (access: Access) => boolean) =>
    names === undefined
      ? old
      : names.map((name) => userNamed(db, name)).filter((user) => isSuitable(accessOf(db, user, repo)));
  const ids = (users: (User | number)[]) =>
    users.map((user) => (typeof user === "number" ? user : user.id)).sort((one, other) => one - other);
  const canWrite = (access: Access) => isAtLeast(access.code, "write");
  return {
    push_whitelist_users: ids(list(wish.push_whitelist_usernames, present.push_whitelist_users, canWrite)),
    merge_whitelist_users: ids(list(wish.merge_whitelist_usernames, present.merge_whitelist_users, canWrite)),
    approvals_whitelist_users: ids(
      list(wish.approvals_whitelist_username, present.approvals_whitelist_users, (access) => access.isExplicit),
    ),
  };
}

/** Teams that do not cover the repository are dropped. */
function listedTeams(db: Database, repo: Repo, present: Rule, wish: ProtectionWish) {
  const owner = requireUser(db, repo.owner_id);
  const list = (names: string[] | undefined, old: number[]) =>
    names === undefined || owner.kind !== "org"
      ? old
      : names
          .map((name) => teamNamed(db, owner, name))
          .filter((team) => doesTeamCover(db, team, repo))
          .map((team) => team.id);
  return {
    push_whitelist_teams: list(wish.push_whitelist_teams, present.push_whitelist_teams),
    merge_whitelist_teams: list(wish.merge_whitelist_teams, present.merge_whitelist_teams),
    approvals_whitelist_teams: list(wish.approvals_whitelist_teams, present.approvals_whitelist_teams),
  };
}

function userNamed(db: Database, name: string): User {
  const user = userByName(db, name);
  if (!user) throw new Refusal(422, `user does not exist [uid: 0, name: ${name.slice(0, 100)}]`);
  return user;
}

function teamNamed(db: Database, org: User, name: string): Team {
  const team = teamByName(db, org, name);
  if (!team) throw new Refusal(422, `team does not exist [org_id ${org.id}, team_id 0, name: ${name.slice(0, 100)}]`);
  return team;
}

/** The rule in the API's words; users and teams that are gone are left out. */
export function describeProtection(db: Database, protection: Protection): Described {
  const users = (ids: number[]) => ids.flatMap((id) => userById(db, id)?.name ?? []);
  const teams = (ids: number[]) => ids.flatMap((id) => teamById(db, id)?.name ?? []);
  const described: Record<string, unknown> = {};
  for (const key of [...PLAIN, ...PUSH_FLAGS]) described[key] = protection[key];
  return {
    ...(described as Pick<Described, (typeof PLAIN)[number] | (typeof PUSH_FLAGS)[number]>),
    push_whitelist_usernames: users(protection.push_whitelist_users),
    push_whitelist_teams: teams(protection.push_whitelist_teams),
    merge_whitelist_usernames: users(protection.merge_whitelist_users),
    merge_whitelist_teams: teams(protection.merge_whitelist_teams),
    approvals_whitelist_username: users(protection.approvals_whitelist_users),
    approvals_whitelist_teams: teams(protection.approvals_whitelist_teams),
  };
}

const PUSH_FLAGS = [
  "enable_push",
  "enable_push_whitelist",
  "push_whitelist_deploy_keys",
  "require_signed_commits",
] as const;
