/**
 * AGit: a push to refs/for/BRANCH makes or moves a pull request, for whoever can read. Everything is decided by
 * `planAgit` while git still holds the new objects apart; `applyAgit` looks again, for another push may have won, and
 * then writes refs/pull/NUMBER/head and the rows.
 */
import { type Forge, repoDir } from "../forge.ts";
import { isAncestor, mergeBase } from "../git/history.ts";
import { findCommit, NO_COMMIT } from "../git/objects.ts";
import { listRefs, moveRefs, type RefMove } from "../git/refs.ts";
import { branchTip } from "./branches.ts";
import { printable } from "./names.ts";
import { insertNewPull, type NewPull } from "./open-pull.ts";
import { computePullState, newCommits, type PullUpdate, preparePullUpdate, storePullUpdate } from "./pull-state.ts";
import { openAgitPull, type PullRequest, pullHeadRef } from "./pulls.ts";
import { Refusal } from "./refusal.ts";
import { type Repo, takeNumber } from "./repos.ts";
import type { User } from "./users.ts";

export const AGIT = "refs/for/";

interface AgitPush {
  ref: string;
  after: string;
  /** Push options by name; of equal ones the first counts. */
  options: ReadonlyMap<string, string>;
  /** Where git holds the objects of the push. */
  env: Record<string, string>;
}
export interface AgitPlan {
  ref: string;
  after: string;
  base: string;
  /** user/topic */
  head: string;
  /** The head that it moves, when there is a pull request already. */
  seen: string | undefined;
  isForced: boolean;
  title: string;
  body: string;
}
export interface AgitResult {
  plan: AgitPlan;
  before: string;
  isForcedUpdate: boolean;
  request: PullRequest;
}

const MAX_TITLE = 255;
const MAX_BODY = 65_536;
const BEHIND =
  "Updates were rejected because the tip of your current branch is behind its remote counterpart. If this is intentional, " +
  "set the `force-push` option by adding `-o force-push=true` to your `git push` command.";
const refuse = (text: string): Refusal => new Refusal(422, text);

/** @throws Refusal with the text that the client shall read */
export async function planAgit(forge: Forge, repo: Repo, user: User, push: AgitPush): Promise<AgitPlan> {
  const { after, ref, options, env } = push;
  if (repo.is_empty) throw refuse("Can't create pull request for an empty repository.");
  const { base, tip, rest } = await target(forge, repo, ref);
  const topic = printable(options.get("topic") || rest, 100).trim();
  if (topic === "") throw refuse("The topic-branch option is not set");
  if (after === NO_COMMIT) throw refuse("Cannot delete a non-existent branch.");
  const commit = await findCommit(forge.git, repoDir(forge, repo), after, env);
  if (!commit) throw refuse("Only a commit can be proposed");
  const head = `${user.lower_name}/${topic}`;
  const isForced = options.get("force-push") === "true";
  const common = await mergeBase(forge.git, repoDir(forge, repo), tip, after, env);
  if (common === undefined) throw refuse("the commit has no common history with the target branch");
  const present = openAgitPull(forge.db, repo, user, base, head);
  if (present) await refuseUpdate(forge, repo, present, { after, isForced }, env);
  else if (common === after) throw refuse("The target branch already contains this commit");
  return { ref, after, base, head, seen: present?.pull.head_sha, isForced, ...texts(options, commit.message) };
}

/** The longest existing branch wins; what is left of the ref is the topic. */
async function target(forge: Forge, repo: Repo, ref: string): Promise<{ base: string; tip: string; rest: string }> {
  const parts = ref.slice(AGIT.length).split("/");
  const refs = listRefs(repoDir(forge, repo), "refs/heads");
  const tips = new Map(refs.map((branch) => [branch.ref.slice("refs/heads/".length), branch.object]));
  for (let count = parts.length; count > 0; count -= 1) {
    const base = parts.slice(0, count).join("/");
    const tip = tips.get(base);
    if (tip !== undefined) return { base, tip, rest: parts.slice(count).join("/") };
  }
  throw refuse(`Unexpected ref: ${ref}`);
}

/** From the options, else from the newest commit. */
function texts(options: AgitPush["options"], message: string): { title: string; body: string } {
  const [subject = "", ...lines] = message.split("\n");
  const title = decoded(options.get("title")) || subject || "untitled";
  const body = decoded(options.get("description")) || lines.join("\n").replace(/^\n+/, "");
  return { title: printable(title, MAX_TITLE), body: body.slice(0, MAX_BODY) };
}

/** `{base64}` before a value allows line breaks in it. */
function decoded(value = ""): string {
  return value.startsWith("{base64}") ? Buffer.from(value.slice("{base64}".length), "base64").toString("utf8") : value;
}

async function refuseUpdate(
  forge: Forge,
  repo: Repo,
  { pull }: PullRequest,
  push: { after: string; isForced: boolean },
  env = {},
): Promise<void> {
  if (pull.head_sha === push.after) throw refuse("The new commit is the same as the old commit");
  if (push.isForced) return;
  const isForward = await isAncestor(forge.git, repoDir(forge, repo), pull.head_sha, push.after, env);
  if (!isForward) throw refuse(BEHIND);
}

/**
 * All of a push's plans or none. The caller holds the repository's lock.
 * @throws Refusal with the text that the client shall read
 */
export async function applyAgit(
  forge: Forge,
  repo: Repo,
  user: User,
  plans: readonly AgitPlan[],
): Promise<AgitResult[]> {
  const targets = new Set(plans.map((plan) => `${plan.head}\0${plan.base}`));
  if (targets.size < plans.length) throw refuse("one push names the same topic twice");
  const steps: Step[] = [];
  for (const plan of plans) steps.push(await step(forge, repo, user, plan));
  const moves = steps.map(
    (one): RefMove => ({ ref: pullHeadRef(one.number), before: one.before, after: one.plan.after }),
  );
  if (!(await moveRefs(forge.git, repoDir(forge, repo), moves)))
    throw refuse("the pull request has moved, fetch first");
  return forge.db.write(() => steps.map((one) => stored(forge, repo, user, one)));
}

interface Step {
  plan: AgitPlan;
  number: number;
  before: string;
  /** One of both. */
  created?: NewPull;
  updated?: PullUpdate;
}

async function step(forge: Forge, repo: Repo, user: User, plan: AgitPlan): Promise<Step> {
  const base = await branchTip(forge, repo, plan.base);
  if (base === undefined) throw refuse(`Unexpected ref: ${plan.ref}`);
  const present = openAgitPull(forge.db, repo, user, plan.base, plan.head);
  if (present) {
    if (present.pull.head_sha !== plan.seen) await refuseUpdate(forge, repo, present, plan);
    const updated = await preparePullUpdate(forge, repo, present, { base, head: plan.after });
    return { plan, number: present.issue.number, before: present.pull.head_sha, updated };
  }
  const state = await computePullState(forge, repo, base, plan.after);
  const { head: head_branch, title, body } = plan;
  const commit_ids = await newCommits(forge, repo, state.merge_base, plan.after);
  const created: NewPull = { flow: 1, base_branch: plan.base, head_branch, title, body, state, commit_ids };
  const number = forge.db.write(() => takeNumber(forge.db, repo.id));
  return { plan, number, before: NO_COMMIT, created };
}

function stored(forge: Forge, repo: Repo, user: User, { plan, number, before, created, updated }: Step): AgitResult {
  if (created)
    return { plan, before, isForcedUpdate: false, request: insertNewPull(forge, repo, user, number, created) };
  if (!updated) throw new Error("an AGit step neither creates nor updates");
  const request = storePullUpdate(forge, repo, user, updated);
  return { plan, before, isForcedUpdate: updated.head?.isForcePush ?? false, request };
}
