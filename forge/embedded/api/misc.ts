/** Versions, health and settings; and what no Forgejo has: links that sign a browser in, and what a migration needs. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { allPulls } from "../domain/pulls.ts";
import { createSignInSecret } from "../domain/sign-in.ts";
import { findUser } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { created, type Endpoint, endpoint, ok } from "./endpoint.ts";
import { repoPath } from "./fields.ts";
import { DEFAULT_ITEMS, MAX_ITEMS } from "./paging.ts";
import { demandSiteAdmin, repoOf } from "./places.ts";

/** Of the Forgejo whose behaviour this forge has. */
const VERSION = "15.0.3+gitea-1.22.0";

export const miscEndpoints: Endpoint[] = [
  endpoint("GET", "/version", { scopes: [] }, () => ok({ version: VERSION })),
  endpoint("GET", "/settings/api", { scopes: [] }, () =>
    ok({
      max_response_items: MAX_ITEMS,
      default_paging_num: DEFAULT_ITEMS,
      default_git_trees_per_page: 1000,
      default_max_blob_size: 10 * 1024 * 1024,
    }),
  ),
];

/** Of Forgejo's own API; `embedded` is there on the embedded forge alone. */
export const forgejoEndpoints: Endpoint[] = [
  endpoint("GET", "/version", { scopes: [] }, () => ok({ version: VERSION, embedded: true })),
];

export const embeddedEndpoints: Endpoint[] = [
  /** A page that signs in as this user by one press of its button, within five minutes, once. */
  endpoint("POST", "/sign-in-links", { scopes: ["admin"], body: z.object({ user: z.string() }) }, (call) => {
    demandSiteAdmin(call);
    const secret = createSignInSecret(call.forge, findUser(call.forge.db, call.body.user));
    return created({ url: `${call.forge.url}/sign-in/link?secret=${secret}` });
  }),
  /** The topics of pull requests by AGit, which Forgejo's API does not tell: for whoever makes them again elsewhere. */
  endpoint("GET", "/repos/:owner/:repo/topics", { scopes: ["repository"], params: repoPath }, (call) => {
    demandSiteAdmin(call);
    const pulls = allPulls(call.forge.db, repoOf(call).repo).filter(({ pull }) => pull.flow === 1);
    const topicOf = (head: string) => head.slice(head.indexOf("/") + 1);
    return ok(pulls.map(({ issue, pull }) => ({ number: issue.number, topic: topicOf(pull.head_branch) })));
  }),
];

/** Open to everybody, as Forgejo's. */
export function serveHealth(app: FastifyInstance, forge: Forge): void {
  app.get("/api/healthz", async (_request, reply) => {
    const status = forge.db.get<{ one: number }>("SELECT 1 AS one") ? "pass" : "fail";
    return reply.send({
      status,
      description: "the embedded forge of Hyperhive",
      checks: { "database:ping": [{ status, time: new Date(forge.now()).toISOString() }] },
    });
  });
}
