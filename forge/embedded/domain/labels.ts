/** Tables `labels` and `issue_labels`. A label belongs to a repository, or to an organization and thus to all its repositories. */
import type { Database } from "../database/open.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

export interface Label {
  id: number;
  repo_id: number | null;
  org_id: number | null;
  name: string;
  color: string;
  description: string;
  is_exclusive: number;
  is_archived: number;
}
export interface LabelWish {
  name?: string;
  color?: string;
  description?: string;
  exclusive?: boolean;
  is_archived?: boolean;
}
type Home = { repo: Repo } | { org: User };

const isRepoHome = (home: Home): home is { repo: Repo } => "repo" in home;
const homeColumns = (home: Home) =>
  isRepoHome(home) ? { repo_id: home.repo.id, org_id: null } : { repo_id: null, org_id: home.org.id };

export const labelsOf = (db: Database, home: Home): Label[] =>
  db.all<Label>(
    "SELECT * FROM labels WHERE repo_id IS :repo_id AND org_id IS :org_id ORDER BY lower(name)",
    homeColumns(home),
  );

/** Those of the repository and of its organization. */
export const usableLabels = (db: Database, repo: Repo): Label[] =>
  db.all<Label>("SELECT * FROM labels WHERE repo_id = :repo OR org_id = :owner ORDER BY lower(name)", {
    repo: repo.id,
    owner: repo.owner_id,
  });

export const labelById = (db: Database, id: number) => db.get<Label>("SELECT * FROM labels WHERE id = :id", { id });

export function labelOf(db: Database, home: Home, id: number): Label {
  const label = labelsOf(db, home).find((candidate) => candidate.id === id);
  if (!label) throw notFound();
  return label;
}

/** @throws Refusal 422 no name or no colour */
export function createLabel(db: Database, home: Home, wish: LabelWish): Label {
  const name = checkLabelName(wish.name ?? "");
  const { id } = db.run(
    `INSERT INTO labels (repo_id, org_id, name, color, description, is_exclusive, is_archived)
     VALUES (:repo_id, :org_id, :name, :color, :description, :exclusive, :archived)`,
    {
      ...homeColumns(home),
      name,
      color: normalColor(wish.color ?? ""),
      description: wish.description ?? "",
      exclusive: Number(wish.exclusive ?? false),
      archived: Number(wish.is_archived ?? false),
    },
  );
  return labelOf(db, home, id);
}

export function changeLabel(db: Database, home: Home, label: Label, wish: LabelWish): Label {
  db.run(
    `UPDATE labels SET name = :name, color = :color, description = :description, is_exclusive = :exclusive, is_archived = :archived
     WHERE id = :id`,
    {
      id: label.id,
      name: wish.name === undefined ? label.name : checkLabelName(wish.name),
      color: wish.color === undefined ? label.color : normalColor(wish.color),
      description: wish.description ?? label.description,
      exclusive: Number(wish.exclusive ?? label.is_exclusive),
      archived: Number(wish.is_archived ?? label.is_archived),
    },
  );
  return labelOf(db, home, label.id);
}

export function deleteLabel(db: Database, label: Label): void {
  db.run("DELETE FROM labels WHERE id = :id", { id: label.id });
}

export const labelsOfIssue = (db: Database, issueId: number): Label[] =>
  db.all<Label>(
    "SELECT l.* FROM labels l JOIN issue_labels i ON i.label_id = l.id WHERE i.issue_id = :issue ORDER BY lower(l.name)",
    { issue: issueId },
  );

/** An exclusive label (`scope/name`) drives out the others of its scope. */
export function attachLabel(db: Database, issueId: number, label: Label): void {
  const scope = label.is_exclusive ? label.name.slice(0, label.name.lastIndexOf("/") + 1) : "";
  for (const other of scope ? labelsOfIssue(db, issueId) : []) {
    if (other.id !== label.id && other.name.startsWith(scope)) detachLabel(db, issueId, other.id);
  }
  db.run("INSERT OR IGNORE INTO issue_labels (issue_id, label_id) VALUES (:issue, :label)", {
    issue: issueId,
    label: label.id,
  });
}

export const detachLabel = (db: Database, issueId: number, labelId: number): boolean =>
  db.run("DELETE FROM issue_labels WHERE issue_id = :issue AND label_id = :label", { issue: issueId, label: labelId })
    .changes > 0;

function checkLabelName(name: string): string {
  if (name.trim() === "" || name.length > 255) throw new Refusal(422, "[Name]: Required");
  return name;
}

/** Six hex digits. @throws Refusal 422 */
function normalColor(color: string): string {
  const hex = color.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{6}$/.test(hex)) return hex;
  if (/^[0-9a-f]{3}$/.test(hex)) return hex.replace(/./g, "$&$&");
  throw new Refusal(422, `bad color code: ${color.slice(0, 20)}`);
}
