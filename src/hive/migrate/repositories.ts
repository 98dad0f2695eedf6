/** One repository with everything in it: made, filled in the order of its numbers, and then given its settings. */
import { join } from "node:path";
import { z } from "zod";
import { type Api, asOrAdmin, Declined } from "./api.ts";
import { cloneMirror } from "./git.ts";
import { moveItem } from "./items.ts";
import type { Move, Moving } from "./moving.ts";
import { untilFilled } from "./settled.ts";
import { admin, type Label, type Organization, type Repository, readStatuses } from "./source.ts";

/** @param say told how far it is */
export async function moveRepository(
  move: Move,
  repo: Repository,
  organizations: readonly Organization[],
  say: (detail: string) => void,
): Promise<void> {
  const { from, to, scratch } = move;
  const organization = organizations.find(({ name }) => name === repo.owner.login);
  await makeRepository(to, repo, organization !== undefined);
  const path = `/repos/${repo.full_name}`;
  const labels = await makeLabels(to, repo, organization);
  for (const { name, permission } of repo.collaborators)
    await to.tell("PUT", `${path}/collaborators/${name}`, { body: { permission } });
  const guests = await letIn(to, repo);
  const mirror = await cloneMirror(from, to, repo.full_name, join(scratch, repo.full_name));
  const moving = { ...move, repo, path, mirror, labels };
  const last = repo.items.at(-1)?.number ?? 0;
  for (let number = 1; number <= last; number += 1) {
    say(`${repo.full_name}: ${number} of ${last}`);
    await moveItem(moving, number);
  }
  if (mirror.refs.some(({ ref }) => ref.startsWith("refs/heads/"))) {
    await mirror.pushAll();
    await untilFilled(to, path);
  }
  await moveStatuses(moving);
  for (const user of guests) await to.tell("DELETE", `${path}/collaborators/${user}`);
  await moveRules(moving);
  await finishRepository(moving);
}

async function makeRepository(to: Api, repo: Repository, isOfOrganization: boolean): Promise<void> {
  const { name, description, default_branch, settings } = repo;
  const owner = repo.owner.login;
  const place = isOfOrganization ? `/orgs/${owner}/repos` : `/admin/users/${owner}/repos`;
  const body = { name, description, default_branch, private: settings.private, template: settings.template };
  await to.tell("POST", place, { body });
  // Manual merges are how a pull request becomes one that was merged long ago.
  const open = { has_issues: true, has_pull_requests: true, allow_manual_merge: true };
  await to.tell("PATCH", `/repos/${repo.full_name}`, { body: open });
}

async function finishRepository({ to, path, repo, mirror }: Moving): Promise<void> {
  const { archived, ...settings } = repo.settings;
  const hasDefault = mirror.refs.some(({ ref }) => ref === `refs/heads/${repo.default_branch}`);
  const branch = hasDefault ? { default_branch: repo.default_branch } : {};
  await to.tell("PATCH", path, { body: { ...settings, ...branch, allow_manual_merge: false } });
  if (archived) await to.tell("PATCH", path, { body: { archived } });
}

const LabelId = z.object({ id: z.number(), name: z.string() });

async function makeLabels(
  to: Api,
  repo: Repository,
  organization: Organization | undefined,
): Promise<ReadonlyMap<string, number>> {
  const path = `/repos/${repo.full_name}/labels`;
  const bodyOf = ({ id: _, ...label }: Label) => label;
  for (const label of repo.labels) await to.tell("POST", path, { body: bodyOf(label) });
  const ofOrganization = organization ? await to.list(LabelId, `/orgs/${organization.name}/labels`) : [];
  // What a name means in the repository counts before what it means in the organization.
  const all = [...ofOrganization, ...(await to.list(LabelId, path))];
  return new Map(all.map(({ id, name }) => [name, id]));
}

/** Lets those in for the time being who wrote something and have no access any more. @returns who they are */
async function letIn(to: Api, { full_name, owner, items }: Repository): Promise<string[]> {
  const names = items.flatMap(({ user, comments, pull }) => [
    user,
    ...comments.map((comment) => comment.user),
    ...(pull?.reviews.map((review) => review.user) ?? []),
  ]);
  const guests: string[] = [];
  const Permission = z.object({ permission: z.string() });
  for (const name of new Set(names)) {
    if (name === null || name === admin || name === owner.login) continue;
    const path = `/repos/${full_name}/collaborators/${name}`;
    const { permission } = await to.ask(Permission, "GET", `${path}/permission`);
    if (permission !== "none") continue;
    await to.tell("PUT", path, { body: { permission: "read" } });
    guests.push(name);
  }
  return guests;
}

async function moveStatuses({ from, to, path, repo, mirror }: Moving): Promise<void> {
  for (const sha of new Set(mirror.refs.map(({ commit }) => commit)))
    for (const { status, context, description, target_url, creator } of await readStatuses(from, repo.full_name, sha)) {
      const body = { state: status, context, description, target_url };
      await asOrAdmin(creator, (as) => to.tell("POST", `${path}/statuses/${sha}`, { as, body }));
    }
}

async function moveRules({ to, path, repo, note }: Moving): Promise<void> {
  for (const { created_at: _, updated_at: __, branch_name: ___, ...rule } of repo.rules)
    await to.tell("POST", `${path}/branch_protections`, { body: rule }).catch((error: unknown) => {
      if (!(error instanceof Declined)) throw error;
      note(`The rule ${rule.rule_name} of ${repo.full_name} was not taken: ${error.message}`);
    });
  if (repo.hooks > 0)
    note(`${repo.full_name} has ${repo.hooks} webhooks, whose secrets nobody can read: make them anew.`);
}
