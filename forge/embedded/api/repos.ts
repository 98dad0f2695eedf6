/** Repositories and who was let into them. */
import { z } from "zod";
import { isAtLeast } from "../domain/access-level.ts";
import { collaboratorsOf, removeCollaborator, setCollaborator } from "../domain/collaborators.ts";
import { accessOf, visibleRepos } from "../domain/permissions.ts";
import { notFound, Refusal } from "../domain/refusal.ts";
import { changeRepo, createRepo, deleteRepo } from "../domain/repo-life.ts";
import { type Repo, reposOfOwner } from "../domain/repos.ts";
import { findUser, requireUser, type User, userByName } from "../domain/users.ts";
import { userJson } from "../shapes/user.ts";
import { demandScopes } from "./auth.ts";
import { type Answer, type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, given, maybe, orgPath, repoPath, text, userPath } from "./fields.ts";
import { pagedFrom, pageOf, paging, pagingQuery } from "./paging.ts";
import { adminRepoOf, demandSiteAdmin, namedOrgOf, orgOf, repoFor, repoOf, userOf } from "./places.ts";

const NewRepo = z
  .object({
    name: z.string("Required"),
    description: text,
    private: flag,
    template: flag,
    auto_init: flag,
    default_branch: text,
  })
  .transform(({ name, ...fields }) => ({ name, ...given(fields) }));

const RepoChange = z.object({
  description: text,
  website: text,
  private: flag,
  archived: flag,
  template: flag,
  default_branch: text,
  has_issues: flag,
  has_pull_requests: flag,
  has_wiki: flag,
  has_projects: flag,
  has_packages: flag,
  has_actions: flag,
  has_releases: flag,
  allow_merge_commits: flag,
  allow_rebase: flag,
  allow_rebase_explicit: flag,
  allow_squash_merge: flag,
  allow_fast_forward_only_merge: flag,
  allow_rebase_update: flag,
  ignore_whitespace_conflicts: flag,
  default_merge_style: maybe(z.enum(["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"])),
  default_delete_branch_after_merge: flag,
  default_allow_maintainer_edit: flag,
});

const Permission = z.object({ permission: maybe(z.enum(["read", "write", "admin"])) });
const collaboratorPath = repoPath.extend({ collaborator: z.string() });

const visibleOf = (call: Call, owner: User): Repo[] =>
  visibleRepos(call.forge.db, call.user).filter((repo) => repo.owner_id === owner.id);

const listed = (call: Call<unknown, z.output<typeof pagingQuery>>, repos: readonly Repo[]): Answer =>
  pagedFrom(call, pageOf(call.query), repos, (repo) => repoFor(call, repo));

async function create(call: Call<unknown, unknown, z.output<typeof NewRepo>>, owner: User): Promise<Answer> {
  return created(repoFor(call, await createRepo(call.forge, call.user, owner, call.body)));
}

const ownRepos = (call: Call): Repo[] => {
  const own = reposOfOwner(call.forge.db, call.user);
  const joined = visibleRepos(call.forge.db, call.user).filter(
    (repo) => repo.owner_id !== call.user.id && accessOf(call.forge.db, { ...call.user, is_admin: 0 }, repo).isExplicit,
  );
  return [...own, ...joined];
};

const repositoryEndpoints: Endpoint[] = [
  endpoint("GET", "/user/repos", { scopes: ["user", "repository"], query: pagingQuery }, (call) =>
    listed(call, ownRepos(call)),
  ),
  endpoint("POST", "/user/repos", { scopes: ["user", "repository"], body: NewRepo }, (call) => create(call, call.user)),
  endpoint(
    "GET",
    "/users/:username/repos",
    { scopes: ["user", "repository"], params: userPath, query: pagingQuery },
    (call) => listed(call, visibleOf(call, userOf(call))),
  ),
  endpoint("GET", "/orgs/:org/repos", { scopes: ["organization"], params: orgPath, query: pagingQuery }, (call) =>
    listed(call, visibleOf(call, namedOrgOf(call))),
  ),
  endpoint("POST", "/orgs/:org/repos", { scopes: ["organization"], params: orgPath, body: NewRepo }, (call) =>
    create(call, orgOf(call)),
  ),
  endpoint(
    "POST",
    "/org/:org/repos",
    { scopes: ["organization", "repository"], params: orgPath, body: NewRepo },
    (call) => create(call, orgOf(call)),
  ),
  endpoint("POST", "/admin/users/:username/repos", { scopes: ["admin"], params: userPath, body: NewRepo }, (call) => {
    demandSiteAdmin(call);
    return create(call, userOf(call));
  }),
  endpoint(
    "GET",
    "/repos/search",
    { scopes: ["repository"], query: z.object({ ...paging, q: z.string().default("") }) },
    (call) => {
      const word = call.query.q.toLowerCase();
      const found = visibleRepos(call.forge.db, call.user).filter((repo) => repo.lower_name.includes(word));
      const answer = listed(call, found);
      return { ...answer, body: { ok: true, data: answer.body } };
    },
  ),
  endpoint("GET", "/repos/:owner/:repo", { scopes: ["repository"], params: repoPath }, (call) =>
    ok(repoFor(call, repoOf(call).repo)),
  ),
  endpoint(
    "PATCH",
    "/repos/:owner/:repo",
    { scopes: ["repository"], params: repoPath, body: RepoChange },
    async (call) => {
      const { repo } = adminRepoOf(call);
      const { description, website, private: isPrivate, archived, template, default_branch, ...settings } = call.body;
      const columns = given({
        description,
        website,
        is_private: isPrivate,
        is_archived: archived,
        is_template: template,
        default_branch: default_branch || undefined,
      });
      return ok(repoFor(call, await changeRepo(call.forge, call.user, repo, columns, given(settings))));
    },
  ),
  // which scope it needs depends on the owner, as in Forgejo: it is looked at below
  endpoint("DELETE", "/repos/:owner/:repo", { scopes: [], params: repoPath }, async (call) => {
    const { repo } = repoOf(call);
    const owner = requireUser(call.forge.db, repo.owner_id);
    demandScopes(call.caller, "write", [owner.kind === "org" ? "organization" : "user"]);
    await deleteRepo(call.forge, call.user, repo);
    return NO_CONTENT;
  }),
];

/** The collaborator that a path names. @throws Refusal 422 unknown, or the owner */
function collaboratorOf(call: Call<{ collaborator: string }>, repo: Repo): User {
  const user = userByName(call.forge.db, call.params.collaborator);
  if (!user) throw new Refusal(422, `user does not exist [name: ${call.params.collaborator.slice(0, 100)}]`);
  if (user.id === repo.owner_id) throw new Refusal(422, "user is the owner of the repository");
  return user;
}

const collaboratorEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/collaborators",
    { scopes: ["repository"], params: repoPath, query: pagingQuery },
    (call) => {
      const { repo } = repoOf(call);
      return pagedFrom(call, pageOf(call.query), collaboratorsOf(call.forge.db, repo), (user) =>
        userJson(call.forge, user, call.user),
      );
    },
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/collaborators/:collaborator",
    { scopes: ["repository"], params: collaboratorPath },
    (call) => {
      const { repo } = repoOf(call);
      const name = call.params.collaborator.toLowerCase();
      if (!collaboratorsOf(call.forge.db, repo).some((user) => user.lower_name === name)) throw notFound();
      return NO_CONTENT;
    },
  ),
  endpoint(
    "PUT",
    "/repos/:owner/:repo/collaborators/:collaborator",
    { scopes: ["repository"], params: collaboratorPath, body: Permission },
    (call) => {
      const { repo } = adminRepoOf(call);
      setCollaborator(call.forge.db, repo, collaboratorOf(call, repo), call.body.permission ?? "write");
      return NO_CONTENT;
    },
  ),
  endpoint(
    "DELETE",
    "/repos/:owner/:repo/collaborators/:collaborator",
    { scopes: ["repository"], params: collaboratorPath },
    (call) => {
      const { repo } = adminRepoOf(call);
      removeCollaborator(call.forge.db, repo, collaboratorOf(call, repo));
      return NO_CONTENT;
    },
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/collaborators/:collaborator/permission",
    { scopes: ["repository"], params: collaboratorPath },
    (call) => {
      const { repo, access } = repoOf(call);
      const user = findUser(call.forge.db, call.params.collaborator);
      if (user.id !== call.user.id && !isAtLeast(access.code, "admin")) {
        throw new Refusal(
          403,
          "Only admins can query all permissions, repo admins can query all repo permissions, collaborators can query only their own",
        );
      }
      const level = accessOf(call.forge.db, user, repo).code;
      return ok({ permission: level, role_name: level, user: userJson(call.forge, user, call.user) });
    },
  ),
];

export const repoEndpoints: Endpoint[] = [...repositoryEndpoints, ...collaboratorEndpoints];
