/** Webhooks of the site, of organizations, of users and of repositories. */
import { z } from "zod";
import { changeHook, createHook, deleteHook, findHook, type HookHome, hooksOf } from "../domain/hooks.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Category } from "../domain/scopes.ts";
import { repoDir } from "../forge.ts";
import { NO_COMMIT } from "../git/objects.ts";
import { pushedCommits } from "../git/pushed-commits.ts";
import { readRef } from "../git/refs.ts";
import { hookJson } from "../shapes/hook.ts";
import { queueTrial } from "../webhooks.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { flag, id, maybe, orgPath, repoPath, text, texts } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { adminRepoOf, demandSiteAdmin, ownedOrgOf } from "./places.ts";

/** All values are strings, `is_system_webhook` too. */
const Config = z.record(z.string(), z.string());
const NewHook = z.object({
  type: z.string("Required"),
  config: Config,
  events: texts,
  active: flag,
  branch_filter: text,
  authorization_header: text,
});
const HookChange = z.object({
  config: maybe(Config),
  events: texts,
  active: flag,
  branch_filter: text,
  authorization_header: text,
});
type NewHook = z.output<typeof NewHook>;

interface Place<Params extends z.ZodType> {
  path: string;
  params: Params;
  scope: Category;
  /** Where the caller's hooks are; refuses whoever may not manage them. */
  home: (call: Call<z.output<Params>>) => HookHome;
}

/** @throws Refusal 422 */
function configured(config: Record<string, string>, name: string): string {
  const value = config[name];
  if (!value) throw new Refusal(422, `Missing config option: ${name}`);
  return value;
}

/** As Forgejo: without the string "true" a hook of the site is only a template for new repositories. */
function homeFor(home: HookHome, body: NewHook): HookHome {
  return home.kind === "system" && body.config["is_system_webhook"] !== "true" ? { kind: "default" } : home;
}

/** The five calls on the hooks of one place. */
function hookEndpointsOf<Params extends z.ZodObject>(place: Place<Params>): Endpoint[] {
  const { path, params, scope, home } = place;
  const onePath = params.extend({ hook: id });
  const oneOf = (call: Call<unknown>) => {
    const where = home(call as Call<z.output<Params>>);
    return { where, hook: findHook(call.forge.db, where, (call.params as { hook: number }).hook) };
  };
  return [
    endpoint("GET", path, { scopes: [scope], params, query: pagingQuery }, (call) =>
      pagedFrom(call, pageOf(call.query), hooksOf(call.forge.db, home(call)), hookJson),
    ),
    endpoint("POST", path, { scopes: [scope], params, body: NewHook }, (call) => {
      const { type, config, events, active, branch_filter, authorization_header } = call.body;
      const hook = createHook(call.forge, homeFor(home(call), call.body), {
        type,
        url: configured(config, "url"),
        content_type: configured(config, "content_type"),
        secret: config["secret"] ?? "",
        authorization_header: authorization_header ?? "",
        branch_filter: branch_filter ?? "",
        events: events ?? [],
        is_active: active ?? false,
      });
      return created(hookJson(hook));
    }),
    endpoint("GET", `${path}/:hook`, { scopes: [scope], params: onePath }, (call) => ok(hookJson(oneOf(call).hook))),
    endpoint("PATCH", `${path}/:hook`, { scopes: [scope], params: onePath, body: HookChange }, (call) => {
      const { where, hook } = oneOf(call);
      const { config, events, active, branch_filter, authorization_header } = call.body;
      // what is left out is reset, as in Forgejo; only the switch and the target stay
      const changed = changeHook(call.forge, where, hook, {
        url: config?.["url"] ?? hook.url,
        content_type: config?.["content_type"] ?? hook.content_type,
        authorization_header: authorization_header ?? "",
        branch_filter: branch_filter ?? "",
        events: events ?? [],
        is_active: active ?? hook.is_active === 1,
      });
      return ok(hookJson(changed));
    }),
    endpoint("DELETE", `${path}/:hook`, { scopes: [scope], params: onePath }, (call) => {
      deleteHook(call.forge.db, oneOf(call).hook);
      return NO_CONTENT;
    }),
  ];
}

/** As Forgejo: of a push that was none, whose one commit is the newest that the default branch has. */
const trialEndpoint = endpoint(
  "POST",
  "/repos/:owner/:repo/hooks/:hook/tests",
  { scopes: ["repository"], params: repoPath.extend({ hook: id }) },
  async (call) => {
    const { forge } = call;
    const { repo } = adminRepoOf(call);
    const hook = findHook(forge.db, { kind: "repo", repo }, call.params.hook);
    const ref = `refs/heads/${repo.default_branch}`;
    const sha = await readRef(forge.git, repoDir(forge, repo), ref);
    if (sha === undefined) return NO_CONTENT;
    const { commits } = await pushedCommits(forge.git, repoDir(forge, repo), NO_COMMIT, sha);
    const told = { ref, before: sha, after: sha, commits: commits.slice(0, 1), totalCommits: 1 };
    queueTrial(forge, hook, { kind: "push", repoId: repo.id, actorId: call.user.id, ...told });
    return NO_CONTENT;
  },
);

export const hookEndpoints: Endpoint[] = [
  trialEndpoint,
  ...hookEndpointsOf({
    path: "/admin/hooks",
    params: z.object({}),
    scope: "admin",
    home: (call) => {
      demandSiteAdmin(call);
      return { kind: "system" };
    },
  }),
  ...hookEndpointsOf({
    path: "/orgs/:org/hooks",
    params: orgPath,
    scope: "organization",
    home: (call) => ({ kind: "owner", owner: ownedOrgOf(call) }),
  }),
  ...hookEndpointsOf({
    path: "/user/hooks",
    params: z.object({}),
    scope: "user",
    home: (call) => ({ kind: "owner", owner: call.user }),
  }),
  ...hookEndpointsOf({
    path: "/repos/:owner/:repo/hooks",
    params: repoPath,
    scope: "repository",
    home: (call) => ({ kind: "repo", repo: adminRepoOf(call).repo }),
  }),
];
