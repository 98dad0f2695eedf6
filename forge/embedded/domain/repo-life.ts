/**
 * Making and deleting repositories. Row and folder are two stores: a folder is made elsewhere and moved to its place as
 * the last act of the row's transaction, and leaves its place before it is removed. What a crash leaves in between are
 * folders without a row, which recover.ts sweeps.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { type Forge, repoDir } from "../forge.ts";
import { initRepository, placeBranch } from "../git/init.ts";
import { listRefs, setHead } from "../git/refs.ts";
import { editTree, writeBlob, writeCommit } from "../git/write.ts";
import { setCollaborator } from "./collaborators.ts";
import { emit } from "./events.ts";
import { checkBranchName, checkRepoName } from "./names.ts";
import { canCreateRepoIn } from "./orgs.ts";
import { accessOf, demandRepoAdmin, isRepoAdmin } from "./permissions.ts";
import { Refusal } from "./refusal.ts";
import {
  deleteRepoRow,
  insertRepo,
  type Repo,
  type RepoColumns,
  type RepoSettings,
  repoByName,
  reposOfOwner,
  updateRepo,
} from "./repos.ts";
import { signatureOf, type User } from "./users.ts";

interface RepoWish {
  name: string;
  description?: string | undefined;
  private?: boolean | undefined;
  template?: boolean | undefined;
  default_branch?: string | undefined;
  /** Begin with a commit that holds a README. */
  auto_init?: boolean | undefined;
}

/** Folders below reposDir that are no repository's: being made, and being removed. */
const LIMBO = ".limbo";

/**
 * @param owner the actor, or an organization where it may make repositories; a site admin makes them for anybody
 * @throws Refusal 403 not allowed or too many, 409 exists, 422 bad name
 */
export async function createRepo(forge: Forge, actor: User, owner: User, wish: RepoWish): Promise<Repo> {
  refuseCreator(forge, actor, owner);
  checkRepoName(wish.name);
  const branch = wish.default_branch || "main";
  checkBranchName(branch);
  refuseTaken(forge, owner, wish.name);
  const dir = limboDir(forge);
  initRepository(dir, branch);
  if (wish.auto_init) await writeReadme(forge, dir, actor, wish, branch);
  return forge.db.write(() => {
    refuseTaken(forge, owner, wish.name);
    const repo = insertRepo(forge.db, owner, {
      name: wish.name,
      description: wish.description ?? "",
      is_private: wish.private ?? false,
      is_template: wish.template ?? false,
      default_branch: branch,
      now: forge.now(),
    });
    const made = updateRepo(forge.db, repo, { is_empty: !wish.auto_init }, {}, forge.now());
    // who makes a repository in an organization can always go on with it
    if (!isRepoAdmin(accessOf(forge.db, actor, made))) setCollaborator(forge.db, made, actor, "admin");
    emit(forge, { kind: "repository", action: "created", repoId: made.id, actorId: actor.id });
    renameSync(dir, repoDir(forge, made));
    return made;
  });
}

/** @throws Refusal 403 unless `actor` owns the repository */
export async function deleteRepo(forge: Forge, actor: User, repo: Repo): Promise<void> {
  if (accessOf(forge.db, actor, repo).code !== "owner")
    throw new Refusal(403, "Given user is not owner of repository.");
  await forge.locks.run(repo.id, async () => {
    forge.db.write(() => {
      emit(forge, { kind: "repository", action: "deleted", repoId: repo.id, actorId: actor.id });
      deleteRepoRow(forge.db, repo);
    });
    await forge.housekeeping.leave(repo.id);
    const grave = limboDir(forge);
    mkdirSync(path.dirname(grave), { recursive: true });
    renameSync(repoDir(forge, repo), grave);
    forge.git.objects.forget(repoDir(forge, repo));
    await rm(grave, { recursive: true, force: true });
  });
}

/**
 * A default branch that does not exist is ignored, as by Forgejo, unless the repository is empty.
 * @throws Refusal 403 not an admin of the repository
 */
export async function changeRepo(
  forge: Forge,
  actor: User,
  repo: Repo,
  columns: RepoColumns,
  settings: Partial<RepoSettings>,
): Promise<Repo> {
  demandRepoAdmin(accessOf(forge.db, actor, repo));
  const { default_branch: branch, ...others } = columns;
  const isPossible = branch !== undefined && (await canBeDefault(forge, repo, branch));
  if (isPossible) await setHead(forge.git, repoDir(forge, repo), branch);
  const chosen = isPossible ? { ...others, default_branch: branch } : others;
  return forge.db.write(() => updateRepo(forge.db, repo, chosen, settings, forge.now()));
}

async function canBeDefault(forge: Forge, repo: Repo, branch: string): Promise<boolean> {
  checkBranchName(branch);
  if (repo.is_empty) return true;
  return listRefs(repoDir(forge, repo), `refs/heads/${branch}`).length > 0;
}

function refuseCreator(forge: Forge, actor: User, owner: User): void {
  const isAllowed =
    actor.id === owner.id || actor.is_admin || (owner.kind === "org" && canCreateRepoIn(forge.db, owner, actor));
  if (!isAllowed) throw new Refusal(403, "Given user is not allowed to create repository in organization.");
  const limit = owner.max_repo_creation;
  if (!actor.is_admin && limit >= 0 && reposOfOwner(forge.db, owner).length >= limit) {
    throw new Refusal(403, `user has reached maximum limit of repositories [limit: ${limit}]`);
  }
}

function refuseTaken(forge: Forge, owner: User, name: string): void {
  if (repoByName(forge.db, owner.name, name))
    throw new Refusal(409, "The repository with the same name already exists.");
}

async function writeReadme(forge: Forge, dir: string, actor: User, wish: RepoWish, branch: string): Promise<void> {
  const { git } = forge;
  const text = `# ${wish.name}\n${wish.description ? `\n${wish.description}\n` : ""}`;
  const tree = await editTree(git, dir, undefined, [
    { path: "README.md", sha: await writeBlob(dir, Buffer.from(text)) },
  ]);
  const who = signatureOf(actor, forge.now());
  const commit = await writeCommit(dir, {
    tree,
    parents: [],
    message: "Initial commit\n",
    author: who,
    committer: who,
  });
  placeBranch(dir, branch, commit);
}

const limboDir = (forge: Forge): string => path.join(limboRoot(forge), randomBytes(12).toString("hex"));
export const limboRoot = (forge: Forge): string => path.join(forge.reposDir, LIMBO);
