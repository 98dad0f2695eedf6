/** Table `collaborators`: people who were let into one repository by name. */
import type { Database } from "../database/open.ts";
import type { AccessLevel } from "./access-level.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

export function setCollaborator(db: Database, repo: Repo, user: User, permission: "read" | "write" | "admin"): void {
  db.run(
    `INSERT INTO collaborators (repo_id, user_id, permission) VALUES (:repo, :user, :permission)
     ON CONFLICT (repo_id, user_id) DO UPDATE SET permission = excluded.permission`,
    { repo: repo.id, user: user.id, permission },
  );
}

export const removeCollaborator = (db: Database, repo: Repo, user: User): boolean =>
  db.run("DELETE FROM collaborators WHERE repo_id = :repo AND user_id = :user", { repo: repo.id, user: user.id })
    .changes > 0;

export const collaboratorsOf = (db: Database, repo: Repo): User[] =>
  db.all<User>(
    "SELECT u.* FROM users u JOIN collaborators c ON c.user_id = u.id WHERE c.repo_id = :repo ORDER BY u.lower_name",
    { repo: repo.id },
  );

export const collaboratorLevel = (db: Database, repoId: number, userId: number): AccessLevel =>
  db.get<{ permission: AccessLevel }>(
    "SELECT permission FROM collaborators WHERE repo_id = :repo AND user_id = :user",
    {
      repo: repoId,
      user: userId,
    },
  )?.permission ?? "none";
