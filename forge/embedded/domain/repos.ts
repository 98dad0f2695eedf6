/** Table `repos`. A Repo carries its owner's name, for its path and its address need it. */
import type { Database } from "../database/open.ts";
import type { User } from "./users.ts";

interface RepoRow {
  id: number;
  owner_id: number;
  owner_name: string;
  name: string;
  lower_name: string;
  description: string;
  website: string;
  is_private: number;
  is_empty: number;
  is_archived: number;
  is_template: number;
  default_branch: string;
  settings: string;
  created_at: number;
  updated_at: number;
}
/** Units that are on, and how pull requests may be merged. */
export interface RepoSettings {
  has_issues: boolean;
  has_pull_requests: boolean;
  has_wiki: boolean;
  has_projects: boolean;
  has_packages: boolean;
  has_actions: boolean;
  has_releases: boolean;
  allow_merge_commits: boolean;
  allow_rebase: boolean;
  allow_rebase_explicit: boolean;
  allow_squash_merge: boolean;
  allow_fast_forward_only_merge: boolean;
  allow_rebase_update: boolean;
  ignore_whitespace_conflicts: boolean;
  default_merge_style: string;
  default_delete_branch_after_merge: boolean;
  default_allow_maintainer_edit: boolean;
}
export interface Repo extends Omit<RepoRow, "settings"> {
  settings: RepoSettings;
}
export interface RepoColumns {
  description?: string;
  website?: string;
  is_private?: boolean;
  is_empty?: boolean;
  is_archived?: boolean;
  is_template?: boolean;
  default_branch?: string;
}

/** The embedded forge has no wiki, projects, packages, actions or releases: switched on they stay empty. */
const DEFAULT_SETTINGS: RepoSettings = {
  has_issues: true,
  has_pull_requests: true,
  has_wiki: false,
  has_projects: false,
  has_packages: false,
  has_actions: false,
  has_releases: false,
  allow_merge_commits: true,
  allow_rebase: true,
  allow_rebase_explicit: true,
  allow_squash_merge: true,
  allow_fast_forward_only_merge: true,
  allow_rebase_update: true,
  ignore_whitespace_conflicts: false,
  default_merge_style: "merge",
  default_delete_branch_after_merge: false,
  default_allow_maintainer_edit: false,
};

const SELECT = "SELECT r.*, u.name AS owner_name FROM repos r JOIN users u ON u.id = r.owner_id";
const parsed = (row: RepoRow): Repo => ({ ...row, settings: { ...DEFAULT_SETTINGS, ...JSON.parse(row.settings) } });

function repoById(db: Database, id: number): Repo | undefined {
  const row = db.get<RepoRow>(`${SELECT} WHERE r.id = :id`, { id });
  return row && parsed(row);
}

/** A row that a foreign key promises. */
export function requireRepo(db: Database, id: number): Repo {
  const repo = repoById(db, id);
  if (!repo) throw new Error(`repository ${id} is named by a row but does not exist`);
  return repo;
}

/** Both names in any case. */
export function repoByName(db: Database, owner: string, name: string): Repo | undefined {
  const row = db.get<RepoRow>(`${SELECT} WHERE u.lower_name = :owner AND r.lower_name = :name`, {
    owner: owner.toLowerCase(),
    name: name.toLowerCase(),
  });
  return row && parsed(row);
}

export const reposOfOwner = (db: Database, owner: User): Repo[] =>
  db.all<RepoRow>(`${SELECT} WHERE r.owner_id = :owner ORDER BY r.lower_name`, { owner: owner.id }).map(parsed);

export const allRepos = (db: Database): Repo[] =>
  db.all<RepoRow>(`${SELECT} ORDER BY u.lower_name, r.lower_name`).map(parsed);

export function insertRepo(
  db: Database,
  owner: User,
  repo: {
    name: string;
    description: string;
    is_private: boolean;
    is_template: boolean;
    default_branch: string;
    now: number;
  },
): Repo {
  const { id } = db.run(
    `INSERT INTO repos (owner_id, name, lower_name, description, is_private, is_template, default_branch, created_at, updated_at)
     VALUES (:owner, :name, :lower_name, :description, :is_private, :is_template, :default_branch, :now, :now)`,
    {
      ...repo,
      owner: owner.id,
      lower_name: repo.name.toLowerCase(),
      is_private: Number(repo.is_private),
      is_template: Number(repo.is_template),
    },
  );
  return requireRepo(db, id);
}

export function updateRepo(
  db: Database,
  repo: Repo,
  columns: RepoColumns,
  settings: Partial<RepoSettings>,
  now: number,
): Repo {
  for (const [column, value] of Object.entries(columns)) {
    if (value === undefined) continue;
    db.run(`UPDATE repos SET ${column} = :value WHERE id = :id`, {
      id: repo.id,
      value: typeof value === "boolean" ? Number(value) : value,
    });
  }
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  db.run("UPDATE repos SET settings = :settings, updated_at = :now WHERE id = :id", {
    id: repo.id,
    settings: JSON.stringify({ ...repo.settings, ...given }),
    now,
  });
  return requireRepo(db, repo.id);
}

export function touchRepo(db: Database, repo: Repo, now: number): void {
  db.run("UPDATE repos SET updated_at = :now WHERE id = :id", { id: repo.id, now });
}

export function deleteRepoRow(db: Database, repo: Repo): void {
  db.run("DELETE FROM repos WHERE id = :id", { id: repo.id });
}

/** The number for the next issue or pull request. */
export function takeNumber(db: Database, repoId: number): number {
  const row = db.get<{ number: number }>(
    "UPDATE repos SET next_number = next_number + 1 WHERE id = :id RETURNING next_number - 1 AS number",
    {
      id: repoId,
    },
  );
  if (!row) throw new Error(`repository ${repoId} does not exist`);
  return row.number;
}

/** Open issues and open pull requests. */
export const openCounts = (db: Database, repo: Repo): { issues: number; pulls: number } => {
  const rows = db.all<{ is_pull: number; count: number }>(
    "SELECT is_pull, count(*) AS count FROM issues WHERE repo_id = :repo AND state = 'open' GROUP BY is_pull",
    { repo: repo.id },
  );
  return { issues: rows.find((row) => !row.is_pull)?.count ?? 0, pulls: rows.find((row) => row.is_pull)?.count ?? 0 };
};
