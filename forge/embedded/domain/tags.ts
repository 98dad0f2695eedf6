/** Tags are git's alone: no table knows them. */
import { type Forge, repoDir } from "../forge.ts";
import { messageOf, NO_COMMIT, resolveCommit } from "../git/objects.ts";
import { listRefs, moveRefs } from "../git/refs.ts";
import { writeTag } from "../git/write.ts";
import { followRefs } from "./follow-refs.ts";
import { isRef, printable } from "./names.ts";
import { accessOf, demand, refuseArchived } from "./permissions.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import { signatureOf, type User } from "./users.ts";

export interface Tag {
  name: string;
  /** Id of the tag object; of the commit when the tag is a plain one. */
  id: string;
  commit: string;
  /** Of the tag, or of the commit when the tag is a plain one. */
  message: string;
}

const TAGS = "refs/tags/";

/** By name, backwards: the highest number first. */
export async function listTags(forge: Forge, repo: Repo): Promise<Tag[]> {
  return (await tagsUnder(forge, repo, "refs/tags")).reverse();
}

/** @throws Refusal 404 */
export async function findTag(forge: Forge, repo: Repo, name: string): Promise<Tag> {
  const ref = `${TAGS}${name}`;
  const tag = isRef(ref) ? (await tagsUnder(forge, repo, ref)).find((found) => found.name === name) : undefined;
  if (!tag) throw notFound();
  return tag;
}

function tagsUnder(forge: Forge, repo: Repo, prefix: string): Promise<Tag[]> {
  const dir = repoDir(forge, repo);
  const tags = listRefs(dir, prefix).map(async ({ ref, object: id }) => ({
    name: ref.slice(TAGS.length),
    id,
    commit: (await forge.git.objects.info(dir, `${id}^{commit}`))?.sha ?? id,
    message: await messageOf(forge.git, dir, id),
  }));
  return Promise.all(tags);
}

/**
 * @param target branch or commit; the default branch when it is not said
 * @throws Refusal 403 no right to write, 404 nothing at `target`, 409 exists, 422 bad name, 423 archived
 */
export async function createTag(
  forge: Forge,
  actor: User,
  repo: Repo,
  wish: { name: string; target?: string | undefined; message?: string | undefined },
): Promise<Tag> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  const ref = `${TAGS}${wish.name}`;
  if (!isRef(ref)) throw new Refusal(422, `tag name is invalid [name: ${printable(wish.name, 100)}]`);
  await forge.locks.run(repo.id, async () => {
    const dir = repoDir(forge, repo);
    const commit = await resolveCommit(forge.git, dir, wish.target || repo.default_branch);
    if (commit === undefined)
      throw notFound(`target not found: object does not exist [id: ${printable(wish.target ?? "", 100)}, rel_path: ]`);
    const tagger = signatureOf(actor, forge.now());
    const object = wish.message
      ? await writeTag(dir, { name: wish.name, commit, message: wish.message, tagger })
      : commit;
    const move = { ref, before: NO_COMMIT, after: object };
    if (!(await moveRefs(forge.git, dir, [move]))) throw new Refusal(409, `tag already exists [name: ${wish.name}]`);
    await followRefs(forge, repo, actor, [move]);
  });
  return findTag(forge, repo, wish.name);
}

/** @throws Refusal 403 no right to write, 404 absent, 423 archived */
export async function deleteTag(forge: Forge, actor: User, repo: Repo, name: string): Promise<void> {
  demand(accessOf(forge.db, actor, repo), "code", "write");
  refuseArchived(repo);
  await forge.locks.run(repo.id, async () => {
    const tag = await findTag(forge, repo, name);
    const move = { ref: `${TAGS}${tag.name}`, before: tag.id, after: NO_COMMIT };
    if (!(await moveRefs(forge.git, repoDir(forge, repo), [move]))) throw new Refusal(409, "the tag has moved");
    await followRefs(forge, repo, actor, [move]);
  });
}
