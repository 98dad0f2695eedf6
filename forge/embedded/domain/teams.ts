/** Tables `teams`, `team_members`, `team_repos`. A team gives its members a level per unit on some or all repositories. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { type AccessLevel, isAtLeast, LEVELS, UNIT_NAMES, type Units } from "./access-level.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

interface TeamRow {
  id: number;
  org_id: number;
  name: string;
  lower_name: string;
  description: string;
  permission: AccessLevel;
  units: string;
  includes_all_repositories: number;
  can_create_org_repo: number;
}
export interface Team extends Omit<TeamRow, "units"> {
  units: Units;
}
/** As the API takes it: `permission` admin overrides the units. */
interface TeamWish {
  name?: string;
  description?: string;
  permission?: AccessLevel;
  units?: string[];
  units_map?: Record<string, string>;
  includes_all_repositories?: boolean;
  can_create_org_repo?: boolean;
}

const parsed = (row: TeamRow): Team => ({ ...row, units: JSON.parse(row.units) });
const everyUnit = (level: AccessLevel): Units => Object.fromEntries(UNIT_NAMES.map((unit) => [unit, level]));

export function teamById(db: Database, id: number): Team | undefined {
  const row = db.get<TeamRow>("SELECT * FROM teams WHERE id = :id", { id });
  return row && parsed(row);
}

export function teamByName(db: Database, org: User, name: string): Team | undefined {
  const row = db.get<TeamRow>("SELECT * FROM teams WHERE org_id = :org AND lower_name = :name", {
    org: org.id,
    name: name.toLowerCase(),
  });
  return row && parsed(row);
}

/** Owners first, then by name. */
export const teamsOfOrg = (db: Database, org: User): Team[] =>
  db
    .all<TeamRow>("SELECT * FROM teams WHERE org_id = :org ORDER BY permission = 'owner' DESC, lower_name", {
      org: org.id,
    })
    .map(parsed);

/** The teams of one organization that a user is in. */
export const teamsOfMember = (db: Database, orgId: number, userId: number): Team[] =>
  db
    .all<TeamRow>(
      "SELECT t.* FROM teams t JOIN team_members m ON m.team_id = t.id WHERE t.org_id = :org AND m.user_id = :user",
      { org: orgId, user: userId },
    )
    .map(parsed);

/** The team that owns the organization; made with it. */
export function createOwnersTeam(db: Database, org: User, owner: User): void {
  const { id } = insertTeam(db, org, {
    name: "Owners",
    description: "",
    permission: "owner",
    units: everyUnit("owner"),
    all: true,
    create: true,
  });
  addMember(db, id, owner);
}

/** @throws Refusal 422 name taken or bad, 500 no units (as Forgejo answers) */
export function createTeam(forge: Forge, org: User, wish: TeamWish): Team {
  const name = checkTeamName(wish.name ?? "");
  const { permission, units } = grants(wish);
  return forge.db.write(() => {
    if (teamByName(forge.db, org, name))
      throw new Refusal(422, `team already exists [org_id: ${org.id}, name: ${name}]`);
    const { id } = insertTeam(forge.db, org, {
      name,
      description: wish.description ?? "",
      permission,
      units,
      all: wish.includes_all_repositories ?? false,
      create: permission === "admin" || (wish.can_create_org_repo ?? false),
    });
    return requireTeam(forge.db, id);
  });
}

/**
 * As Forgejo, `includes_all_repositories` counts only when `permission` is in the same call.
 * @throws Refusal 422 name taken or bad
 */
export function changeTeam(forge: Forge, team: Team, wish: TeamWish): Team {
  const isOwners = team.permission === "owner";
  const name = wish.name === undefined || isOwners ? team.name : checkTeamName(wish.name);
  const hasGrants =
    !isOwners && (wish.permission !== undefined || wish.units_map !== undefined || wish.units !== undefined);
  const next = hasGrants ? grants({ permission: team.permission, ...wish }) : team;
  const coversAll = wish.permission !== undefined && !isOwners ? wish.includes_all_repositories : undefined;
  return forge.db.write(() => {
    forge.db.run(
      `UPDATE teams SET name = :name, lower_name = :lower, description = :description, permission = :permission, units = :units,
         includes_all_repositories = :all, can_create_org_repo = :create WHERE id = :id`,
      {
        id: team.id,
        name,
        lower: name.toLowerCase(),
        description: wish.description ?? team.description,
        permission: next.permission,
        units: JSON.stringify(next.units),
        all: Number(coversAll ?? team.includes_all_repositories),
        create: Number(wish.can_create_org_repo ?? team.can_create_org_repo),
      },
    );
    return requireTeam(forge.db, team.id);
  });
}

/** @throws Refusal 422 for the Owners team */
export function deleteTeam(db: Database, team: Team): void {
  if (team.permission === "owner") throw new Refusal(422, "the Owners team cannot be deleted");
  db.run("DELETE FROM teams WHERE id = :id", { id: team.id });
}

export const membersOf = (db: Database, team: { id: number }): User[] =>
  db.all<User>(
    "SELECT u.* FROM users u JOIN team_members m ON m.user_id = u.id WHERE m.team_id = :id ORDER BY u.lower_name",
    { id: team.id },
  );

export const isMember = (db: Database, teamId: number, userId: number): boolean =>
  db.get("SELECT 1 FROM team_members WHERE team_id = :team AND user_id = :user", { team: teamId, user: userId }) !==
  undefined;

export function addMember(db: Database, teamId: number, user: User): void {
  db.run("INSERT OR IGNORE INTO team_members (team_id, user_id) VALUES (:team, :user)", {
    team: teamId,
    user: user.id,
  });
}

/** @throws Refusal 422 when the last owner would go */
export function removeMember(db: Database, team: Team, user: User): void {
  if (!isMember(db, team.id, user.id)) throw notFound();
  if (team.permission === "owner" && membersOf(db, team).length === 1)
    throw new Refusal(422, "user is the last member of the Owners team");
  db.run("DELETE FROM team_members WHERE team_id = :team AND user_id = :user", { team: team.id, user: user.id });
}

export function addTeamRepo(db: Database, team: Team, repo: Repo): void {
  db.run("INSERT OR IGNORE INTO team_repos (team_id, repo_id) VALUES (:team, :repo)", { team: team.id, repo: repo.id });
}

export function removeTeamRepo(db: Database, team: Team, repo: Repo): void {
  db.run("DELETE FROM team_repos WHERE team_id = :team AND repo_id = :repo", { team: team.id, repo: repo.id });
}

export const doesTeamCover = (db: Database, team: Team, repo: { id: number; owner_id: number }): boolean =>
  team.org_id === repo.owner_id &&
  (team.includes_all_repositories === 1 ||
    db.get("SELECT 1 FROM team_repos WHERE team_id = :team AND repo_id = :repo", { team: team.id, repo: repo.id }) !==
      undefined);

/** What a team grants on one unit: its own level when that is admin or more, else the unit's. */
export const teamLevel = (team: Team, unit: string): AccessLevel =>
  isAtLeast(team.permission, "admin") ? team.permission : (team.units[unit] ?? "none");

function requireTeam(db: Database, id: number): Team {
  const team = teamById(db, id);
  if (!team) throw new Error(`team ${id} has just been written but does not exist`);
  return team;
}

interface NewTeam {
  name: string;
  description: string;
  permission: AccessLevel;
  units: Units;
  all: boolean;
  create: boolean;
}

function insertTeam(db: Database, org: User, team: NewTeam): { id: number } {
  return db.run(
    `INSERT INTO teams (org_id, name, lower_name, description, permission, units, includes_all_repositories, can_create_org_repo)
     VALUES (:org, :name, :lower, :description, :permission, :units, :all, :create)`,
    {
      org: org.id,
      name: team.name,
      lower: team.name.toLowerCase(),
      description: team.description,
      permission: team.permission,
      units: JSON.stringify(team.units),
      all: Number(team.all),
      create: Number(team.create),
    },
  );
}

/** Without admin, a team's permission is the lowest level among its units, as Forgejo computes it. */
function grants(wish: TeamWish): { permission: AccessLevel; units: Units } {
  const permission = LEVELS.find((level) => level === wish.permission) ?? "none";
  if (permission === "admin") return { permission, units: everyUnit("admin") };
  const units = { ...listedUnits(wish.units ?? [], permission), ...mappedUnits(wish.units_map ?? {}) };
  if (Object.keys(units).length === 0) throw new Refusal(500, "units permission should not be empty");
  if (wish.units_map === undefined) return { permission, units };
  const lowest = LEVELS.find((level) => level !== "none" && Object.values(units).includes(level));
  return { permission: lowest ?? "none", units };
}

const listedUnits = (names: readonly string[], level: AccessLevel): Units =>
  Object.fromEntries(UNIT_NAMES.filter((unit) => names.includes(unit)).map((unit) => [unit, level]));

function mappedUnits(map: Record<string, string>): Units {
  const units: Units = {};
  for (const unit of UNIT_NAMES) {
    const level = LEVELS.find((known) => known === map[unit]);
    if (level && level !== "owner") units[unit] = level;
  }
  return units;
}

function checkTeamName(name: string): string {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_. -]{0,254}$/.test(name)) throw new Refusal(422, "[Name]: AlphaDashDot");
  if (["new", "owners"].includes(name.toLowerCase())) throw new Refusal(422, `name is reserved [name: ${name}]`);
  return name;
}
