/** Repositories as such, the protection of their branches, and webhooks. */
import type { CreateBranchProtectionOption } from "gitea-js";
import { z } from "zod";
import type { Connection } from "../connection.ts";
import { at, encode } from "./shapes.ts";

const names = z
  .array(z.string())
  .nullish()
  .transform((list) => (list ?? []).toSorted());

/** A branch's rule, as far as we set it. Forgejo drops names without a word that it finds unsuitable: read it back. */
const Protection = z.object({
  enable_push: z.boolean(),
  enable_push_whitelist: z.boolean(),
  push_whitelist_usernames: names,
  push_whitelist_teams: names,
  enable_merge_whitelist: z.boolean(),
  merge_whitelist_usernames: names,
  merge_whitelist_teams: names,
  required_approvals: z.number(),
  enable_approvals_whitelist: z.boolean(),
  approvals_whitelist_username: names,
  approvals_whitelist_teams: names,
  block_on_rejected_reviews: z.boolean(),
  dismiss_stale_approvals: z.boolean(),
  apply_to_admins: z.boolean(),
  unprotected_file_patterns: z.string(),
});
export type Protection = z.output<typeof Protection>;

const Hook = z.object({
  id: z.number().int(),
  type: z.string(),
  active: z.boolean(),
  events: names,
  config: z.object({ url: z.string(), content_type: z.string() }),
});
export type Hook = z.output<typeof Hook>;

/** Whose events a hook is told of; `user` is the one that calls. */
export type HookPlace =
  | { kind: "system" }
  | { kind: "org"; org: string }
  | { kind: "user" }
  | { kind: "repo"; repo: string };

/** What a repository allows, as far as we set it. */
const RepoSettings = z.object({
  private: z.boolean(),
  archived: z.boolean(),
  default_branch: z.string(),
  has_issues: z.boolean(),
  has_pull_requests: z.boolean(),
  /** undefined: whatever it is */
  allow_merge_commits: z.boolean().optional(),
});
export type RepoSettings = z.output<typeof RepoSettings>;

export function layoutVerbs(connection: Connection) {
  return {
    readRepo: (repo: string): Promise<RepoSettings | null> =>
      connection.find(RepoSettings, (api) => api.repos.repoGet(...at(repo))),
    /** Empty: its first commit is its seed. */
    async createOrgRepo(repo: string, description: string): Promise<void> {
      const [org, name] = at(repo);
      const body = { name, description, private: true, auto_init: false, default_branch: "main" };
      await connection.tell((api) => api.orgs.createOrgRepo(org, body));
    },
    /** Always with all of them: merge styles count only with `has_pull_requests` beside them. */
    async editRepo(repo: string, settings: RepoSettings): Promise<void> {
      await connection.tell((api) => api.repos.repoEdit(...at(repo), settings));
    },
    /** Who is let in by name, beside the teams. */
    async listCollaborators(repo: string): Promise<string[]> {
      const people = await connection.list(z.object({ login: z.string() }), (api, page) =>
        api.repos.repoListCollaborators(...at(repo), page),
      );
      return people.map(({ login }) => login);
    },
    async removeCollaborator(repo: string, user: string): Promise<void> {
      await connection.tell((api) => api.repos.repoDeleteCollaborator(...at(repo), encode(user)));
    },
    /** The names of all rules of branches; they are not paged. None when there is no such repository. */
    async listProtections(repo: string): Promise<string[]> {
      const rules = z.array(z.object({ rule_name: z.string() })).nullable();
      const found = await connection.find(rules, (api) => api.repos.repoListBranchProtection(...at(repo)));
      return (found ?? []).map(({ rule_name }) => rule_name);
    },
    async deleteProtection(repo: string, rule: string): Promise<void> {
      await connection.tell((api) => api.repos.repoDeleteBranchProtection(...at(repo), encode(rule)));
    },
    readProtection: (repo: string, branch: string): Promise<Protection | null> =>
      connection.find(Protection, (api) => api.repos.repoGetBranchProtection(...at(repo), encode(branch))),
    async createProtection(repo: string, branch: string, rule: Protection): Promise<void> {
      const body: CreateBranchProtectionOption = { rule_name: branch, branch_name: branch, ...rule };
      await connection.tell((api) => api.repos.repoCreateBranchProtection(...at(repo), body));
    },
    /** Always with the whole rule: what is left out may be kept, cleared or ignored. */
    async editProtection(repo: string, branch: string, rule: Protection): Promise<void> {
      await connection.tell((api) => api.repos.repoEditBranchProtection(...at(repo), encode(branch), rule));
    },
    listHooks: (place: HookPlace): Promise<Hook[]> =>
      connection.list(Hook, (api, page) => {
        if (place.kind === "org") return api.orgs.orgListHooks(encode(place.org), page);
        if (place.kind === "repo") return api.repos.repoListHooks(...at(place.repo), page);
        return place.kind === "user" ? api.user.userListHooks(page) : api.admin.adminListHooks(page);
      }),
    /** The secret is never shown again, and no edit can change it: to rotate, make a new hook and delete the old. */
    async createHook(place: HookPlace, hook: { url: string; secret: string; events: string[] }): Promise<number> {
      const config = { url: hook.url, secret: hook.secret, content_type: "json" };
      const body = { type: "gitea" as const, active: true, events: hook.events, config };
      const made = await connection.ask(Hook, (api) => {
        if (place.kind === "org") return api.orgs.orgCreateHook(encode(place.org), body);
        if (place.kind === "user") return api.user.userCreateHook(body);
        if (place.kind === "repo") return api.repos.repoCreateHook(...at(place.repo), body);
        // Without this very string it would be copied into new repositories instead, and be in no list.
        return api.admin.adminCreateHook({ ...body, config: { ...config, is_system_webhook: "true" } });
      });
      return made.id;
    },
    async deleteHook(place: HookPlace, id: number): Promise<void> {
      await connection.tell((api) => {
        if (place.kind === "org") return api.orgs.orgDeleteHook(encode(place.org), id);
        if (place.kind === "repo") return api.repos.repoDeleteHook(...at(place.repo), id);
        return place.kind === "user" ? api.user.userDeleteHook(id) : api.admin.adminDeleteHook(id);
      });
    },
    /** Has a repository's hook told of a push that was none; nothing is told of a repository without a commit. */
    async tryHook(repo: string, id: number): Promise<void> {
      await connection.tell((api) => api.repos.repoTestHook(...at(repo), id));
    },
    /** A page that signs in as this user, once; the embedded forge alone has it. */
    async createSignInLink(forgeUrl: string, user: string): Promise<string> {
      const made = await connection.ask(z.object({ url: z.string() }), (api) =>
        api.request({
          baseUrl: `${forgeUrl}/api/embedded`,
          path: "/sign-in-links",
          method: "POST",
          body: { user },
          format: "json",
        }),
      );
      return made.url;
    },
  };
}
