/** Branches, their rules, and tags. */
import { z } from "zod";
import { type Branch, branchNames, createBranch, deleteBranch, findBranch } from "../domain/branches.ts";
import { demand } from "../domain/permissions.ts";
import {
  changeProtection,
  createProtection,
  deleteProtection,
  describeProtection,
  findProtection,
  type Protection,
  protectionsOf,
} from "../domain/protection.ts";
import type { Repo } from "../domain/repos.ts";
import { createTag, deleteTag, findTag, listTags, type Tag } from "../domain/tags.ts";
import { repoDir } from "../forge.ts";
import { readCommit } from "../git/objects.ts";
import { branchJson, tagJson } from "../shapes/commit.ts";
import { isoTime } from "../shapes/time.ts";
import { type Call, created, type Endpoint, endpoint, NO_CONTENT, ok } from "./endpoint.ts";
import { count, flag, repoPath, restPath, text, texts } from "./fields.ts";
import { paged, pageOf, pagingQuery } from "./paging.ts";
import { adminRepoOf, openRepoOf, repoOf } from "./places.ts";

const NewBranch = z.object({ new_branch_name: z.string("Required"), old_branch_name: text, old_ref_name: text });
const NewTag = z.object({ tag_name: z.string("Required"), target: text, message: text });
const Rule = z.object({
  enable_push: flag,
  enable_push_whitelist: flag,
  push_whitelist_usernames: texts,
  push_whitelist_teams: texts,
  push_whitelist_deploy_keys: flag,
  enable_merge_whitelist: flag,
  merge_whitelist_usernames: texts,
  merge_whitelist_teams: texts,
  enable_status_check: flag,
  status_check_contexts: texts,
  required_approvals: count,
  enable_approvals_whitelist: flag,
  approvals_whitelist_username: texts,
  approvals_whitelist_teams: texts,
  block_on_rejected_reviews: flag,
  block_on_official_review_requests: flag,
  block_on_outdated_branch: flag,
  dismiss_stale_approvals: flag,
  ignore_stale_approvals: flag,
  require_signed_commits: flag,
  protected_file_patterns: text,
  unprotected_file_patterns: text,
  apply_to_admins: flag,
});
const NewRule = Rule.extend({ rule_name: text, branch_name: text });

type OnRepo = Call<{ owner: string; repo: string }>;

function readableRepoOf(call: OnRepo): Repo {
  const { repo, access } = repoOf(call);
  demand(access, "code", "read");
  return repo;
}

const show = (call: Call, repo: Repo, branch: Branch) => branchJson(call.forge, repo, branch, call.user);

const ruleJson = (call: Call, rule: Protection) => ({
  branch_name: rule.rule_name,
  rule_name: rule.rule_name,
  ...describeProtection(call.forge.db, rule),
  created_at: isoTime(rule.created_at),
  updated_at: isoTime(rule.updated_at),
});

async function showTag(call: Call, repo: Repo, tag: Tag) {
  const commit = await readCommit(call.forge.git, repoDir(call.forge, repo), tag.commit);
  return tagJson(call.forge, repo, tag, commit.committer.at);
}

const branchEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/branches",
    { scopes: ["repository"], params: repoPath, query: pagingQuery },
    async (call) => {
      const repo = readableRepoOf(call);
      const names = await branchNames(call.forge, repo);
      const page = pageOf(call.query);
      const start = (page.page - 1) * page.limit;
      const branches = await Promise.all(
        names.slice(start, start + page.limit).map((name) => findBranch(call.forge, repo, name)),
      );
      const rows = branches.map((branch) => show(call, repo, branch));
      return paged(call, page, rows, names.length);
    },
  ),
  endpoint(
    "POST",
    "/repos/:owner/:repo/branches",
    { scopes: ["repository"], params: repoPath, body: NewBranch },
    async (call) => {
      const { repo } = openRepoOf(call);
      const { new_branch_name, old_branch_name, old_ref_name } = call.body;
      const branch = await createBranch(call.forge, call.user, repo, new_branch_name, old_ref_name || old_branch_name);
      return created(show(call, repo, branch));
    },
  ),
  endpoint("GET", "/repos/:owner/:repo/branches/*", { scopes: ["repository"], params: restPath }, async (call) => {
    const repo = readableRepoOf(call);
    return ok(show(call, repo, await findBranch(call.forge, repo, call.params["*"])));
  }),
  endpoint("DELETE", "/repos/:owner/:repo/branches/*", { scopes: ["repository"], params: restPath }, async (call) => {
    await deleteBranch(call.forge, call.user, openRepoOf(call).repo, call.params["*"]);
    return NO_CONTENT;
  }),
];

const protectionEndpoints: Endpoint[] = [
  endpoint("GET", "/repos/:owner/:repo/branch_protections", { scopes: ["repository"], params: repoPath }, (call) => {
    const { repo } = adminRepoOf(call);
    return ok(protectionsOf(call.forge.db, repo).map((rule) => ruleJson(call, rule)));
  }),
  endpoint(
    "POST",
    "/repos/:owner/:repo/branch_protections",
    { scopes: ["repository"], params: repoPath, body: NewRule },
    (call) => {
      const { repo } = adminRepoOf(call);
      const { rule_name, branch_name, ...wish } = call.body;
      const name = rule_name || branch_name || "";
      return created(ruleJson(call, createProtection(call.forge, call.user, repo, name, wish)));
    },
  ),
  endpoint("GET", "/repos/:owner/:repo/branch_protections/*", { scopes: ["repository"], params: restPath }, (call) => {
    const { repo } = adminRepoOf(call);
    return ok(ruleJson(call, findProtection(call.forge.db, repo, call.params["*"])));
  }),
  endpoint(
    "PATCH",
    "/repos/:owner/:repo/branch_protections/*",
    { scopes: ["repository"], params: restPath, body: Rule },
    (call) => {
      const { repo } = adminRepoOf(call);
      const rule = findProtection(call.forge.db, repo, call.params["*"]);
      return ok(ruleJson(call, changeProtection(call.forge, call.user, repo, rule, call.body)));
    },
  ),
  endpoint(
    "DELETE",
    "/repos/:owner/:repo/branch_protections/*",
    { scopes: ["repository"], params: restPath },
    (call) => {
      const { repo } = adminRepoOf(call);
      deleteProtection(call.forge, call.user, repo, findProtection(call.forge.db, repo, call.params["*"]));
      return NO_CONTENT;
    },
  ),
];

const tagEndpoints: Endpoint[] = [
  endpoint(
    "GET",
    "/repos/:owner/:repo/tags",
    { scopes: ["repository"], params: repoPath, query: pagingQuery },
    async (call) => {
      const repo = readableRepoOf(call);
      const tags = await listTags(call.forge, repo);
      const page = pageOf(call.query);
      const start = (page.page - 1) * page.limit;
      const rows = await Promise.all(tags.slice(start, start + page.limit).map((tag) => showTag(call, repo, tag)));
      return paged(call, page, rows, tags.length);
    },
  ),
  endpoint(
    "POST",
    "/repos/:owner/:repo/tags",
    { scopes: ["repository"], params: repoPath, body: NewTag },
    async (call) => {
      const { repo } = openRepoOf(call);
      const { tag_name, target, message } = call.body;
      return created(
        await showTag(call, repo, await createTag(call.forge, call.user, repo, { name: tag_name, target, message })),
      );
    },
  ),
  endpoint("GET", "/repos/:owner/:repo/tags/*", { scopes: ["repository"], params: restPath }, async (call) => {
    const repo = readableRepoOf(call);
    return ok(await showTag(call, repo, await findTag(call.forge, repo, call.params["*"])));
  }),
  endpoint("DELETE", "/repos/:owner/:repo/tags/*", { scopes: ["repository"], params: restPath }, async (call) => {
    await deleteTag(call.forge, call.user, openRepoOf(call).repo, call.params["*"]);
    return NO_CONTENT;
  }),
];

export const refEndpoints: Endpoint[] = [...branchEndpoints, ...protectionEndpoints, ...tagEndpoints];
