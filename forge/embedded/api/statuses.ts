/** Statuses of commits. */
import { z } from "zod";
import { isObjectId } from "../domain/names.ts";
import { demand } from "../domain/permissions.ts";
import { notFound } from "../domain/refusal.ts";
import type { Repo } from "../domain/repos.ts";
import { createStatus, latestStatuses, STATUS_STATES, statusesOf } from "../domain/statuses.ts";
import { repoDir } from "../forge.ts";
import { resolveCommit } from "../git/objects.ts";
import { combinedStatusJson, statusJson } from "../shapes/status.ts";
import { type Answer, type Call, created, type Endpoint, endpoint, ok } from "./endpoint.ts";
import { repoPath, text } from "./fields.ts";
import { pagedFrom, pageOf, pagingQuery } from "./paging.ts";
import { openRepoOf, repoOf } from "./places.ts";

const shaPath = repoPath.extend({ sha: z.string() });
const refPath = repoPath.extend({ ref: z.string() });
const NewStatus = z.object({
  state: z.enum(STATUS_STATES),
  context: text,
  description: text,
  target_url: text,
});

/** A whole id may be of a commit that is not here: then nothing was said about it. @throws Refusal 404 */
async function commitOf(call: Call, repo: Repo, name: string): Promise<string> {
  const sha = await resolveCommit(call.forge.git, repoDir(call.forge, repo), name);
  if (sha === undefined && !isObjectId(name)) throw notFound(`object does not exist [id: ${name.slice(0, 100)}]`);
  return sha ?? name;
}

async function listed(
  call: Call<{ owner: string; repo: string }, z.output<typeof pagingQuery>>,
  name: string,
): Promise<Answer> {
  const { repo, access } = repoOf(call);
  demand(access, "code", "read");
  const statuses = statusesOf(call.forge.db, repo, await commitOf(call, repo, name));
  return pagedFrom(call, pageOf(call.query), statuses, (status) => statusJson(call.forge, repo, status, call.user));
}

export const statusEndpoints: Endpoint[] = [
  endpoint(
    "POST",
    "/repos/:owner/:repo/statuses/:sha",
    { scopes: ["repository"], params: shaPath, body: NewStatus },
    async (call) => {
      const { repo, access } = openRepoOf(call);
      demand(access, "code", "write");
      const sha = await resolveCommit(call.forge.git, repoDir(call.forge, repo), call.params.sha);
      if (sha === undefined) throw notFound(`object does not exist [id: ${call.params.sha.slice(0, 100)}]`);
      const { state, context, description, target_url } = call.body;
      const status = createStatus(call.forge, repo, call.user, sha, {
        state,
        context: context || "default",
        description: description ?? "",
        target_url: target_url ?? "",
      });
      return created(statusJson(call.forge, repo, status, call.user));
    },
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/statuses/:sha",
    { scopes: ["repository"], params: shaPath, query: pagingQuery },
    (call) => listed(call, call.params.sha),
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/commits/:ref/statuses",
    { scopes: ["repository"], params: refPath, query: pagingQuery },
    (call) => listed(call, call.params.ref),
  ),
  endpoint(
    "GET",
    "/repos/:owner/:repo/commits/:ref/status",
    { scopes: ["repository"], params: refPath },
    async (call) => {
      const { repo, access } = repoOf(call);
      demand(access, "code", "read");
      const sha = await commitOf(call, repo, call.params.ref);
      const statuses = latestStatuses(call.forge.db, repo, sha);
      return ok(combinedStatusJson(call.forge, repo, access, { sha, statuses }, call.user));
    },
  ),
];
