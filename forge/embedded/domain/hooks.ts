/** Table `hooks`: who is told of what. System hooks hear of every repository, owner hooks of one owner's, repo hooks of one. */
import type { Database } from "../database/open.ts";
import type { Forge } from "../forge.ts";
import { notFound, Refusal } from "./refusal.ts";
import type { Repo } from "./repos.ts";
import type { User } from "./users.ts";

/** `default` hooks are kept and do nothing: they are meant to be copied into new repositories. */
export type HookHome =
  | { kind: "system" }
  | { kind: "default" }
  | { kind: "owner"; owner: User }
  | { kind: "repo"; repo: Repo };
interface HookRow {
  id: number;
  kind: HookHome["kind"];
  owner_id: number | null;
  repo_id: number | null;
  type: string;
  url: string;
  content_type: "json" | "form";
  secret: string;
  authorization_header: string;
  branch_filter: string;
  events: string;
  is_active: number;
  created_at: number;
  updated_at: number;
}
export interface Hook extends Omit<HookRow, "events"> {
  /** Fine event names, as they go out in the header `X-Gitea-Event-Type`. */
  events: string[];
}
export interface HookWish {
  type: string;
  url: string;
  content_type: string;
  secret: string;
  authorization_header: string;
  branch_filter: string;
  /** Names to subscribe, umbrella names among them; none means `push`. */
  events: string[];
  is_active: boolean;
}

const TYPES = ["forgejo", "gitea", "gogs"];

/** What each name of a subscription switches on, in the order in which Forgejo lists it. */
const SUBSCRIPTIONS: readonly { on: readonly string[]; sends: readonly string[] }[] = [
  { on: ["create"], sends: ["create"] },
  { on: ["delete"], sends: ["delete"] },
  { on: ["push"], sends: ["push"] },
  { on: ["issues_only", "issues"], sends: ["issues"] },
  { on: ["issue_assign", "issues"], sends: ["issue_assign"] },
  { on: ["issue_label", "issues"], sends: ["issue_label"] },
  { on: ["issue_comment", "issues"], sends: ["issue_comment"] },
  { on: ["pull_request_only", "pull_request"], sends: ["pull_request"] },
  { on: ["pull_request_assign", "pull_request"], sends: ["pull_request_assign"] },
  { on: ["pull_request_label", "pull_request"], sends: ["pull_request_label"] },
  // a review that only comments belongs to the comments, not to the reviews
  { on: ["pull_request_comment", "pull_request"], sends: ["pull_request_comment", "pull_request_review_comment"] },
  {
    on: ["pull_request_review", "pull_request"],
    sends: ["pull_request_review_approved", "pull_request_review_rejected"],
  },
  { on: ["pull_request_sync", "pull_request"], sends: ["pull_request_sync"] },
  { on: ["repository"], sends: ["repository"] },
  { on: ["pull_request_review_request", "pull_request"], sends: ["pull_request_review_request"] },
];

/** Unknown names are ignored, as in Forgejo. */
function subscribed(names: readonly string[]): string[] {
  const wanted = names.length === 0 ? ["push"] : names;
  return SUBSCRIPTIONS.filter(({ on }) => on.some((name) => wanted.includes(name))).flatMap(({ sends }) => sends);
}

const parsed = (row: HookRow): Hook => ({ ...row, events: JSON.parse(row.events) });

const homeColumns = (home: HookHome) => ({
  kind: home.kind,
  owner_id: home.kind === "owner" ? home.owner.id : null,
  repo_id: home.kind === "repo" ? home.repo.id : null,
});

export const hooksOf = (db: Database, home: HookHome): Hook[] =>
  db
    .all<HookRow>(
      "SELECT * FROM hooks WHERE kind = :kind AND owner_id IS :owner_id AND repo_id IS :repo_id ORDER BY id",
      homeColumns(home),
    )
    .map(parsed);

/** @throws Refusal 404 */
export function findHook(db: Database, home: HookHome, id: number): Hook {
  const hook = hooksOf(db, home).find((candidate) => candidate.id === id);
  if (!hook) throw notFound();
  return hook;
}

export function hookById(db: Database, id: number): Hook | undefined {
  const row = db.get<HookRow>("SELECT * FROM hooks WHERE id = :id", { id });
  return row && parsed(row);
}

/** The active hooks that hear of what happens in a repository. */
export const hooksFor = (db: Database, repo: { id: number; owner_id: number }): Hook[] =>
  db
    .all<HookRow>(
      `SELECT * FROM hooks WHERE is_active = 1
         AND (kind = 'system' OR kind = 'owner' AND owner_id = :owner OR kind = 'repo' AND repo_id = :repo) ORDER BY id`,
      { owner: repo.owner_id, repo: repo.id },
    )
    .map(parsed);

/** @throws Refusal 422 unknown type or content type, no address */
export function createHook(forge: Forge, home: HookHome, wish: HookWish): Hook {
  if (!TYPES.includes(wish.type)) throw new Refusal(422, `Invalid hook type: ${wish.type.slice(0, 100)}`);
  checkTarget(wish);
  return forge.db.write(() => {
    const { id } = forge.db.run(
      `INSERT INTO hooks (kind, owner_id, repo_id, type, url, content_type, secret, authorization_header, branch_filter,
                          events, is_active, created_at, updated_at)
       VALUES (:kind, :owner_id, :repo_id, :type, :url, :content_type, :secret, :authorization_header, :branch_filter,
               :events, :is_active, :now, :now)`,
      { ...wish, ...homeColumns(home), ...stored(wish), now: forge.now() },
    );
    return findHook(forge.db, home, id);
  });
}

/** Replaces everything but type and secret, which cannot be changed in Forgejo either. @throws Refusal 422 */
export function changeHook(forge: Forge, home: HookHome, hook: Hook, wish: Omit<HookWish, "type" | "secret">): Hook {
  checkTarget(wish);
  const { url, content_type, authorization_header, branch_filter } = wish;
  return forge.db.write(() => {
    forge.db.run(
      `UPDATE hooks SET url = :url, content_type = :content_type, authorization_header = :authorization_header,
         branch_filter = :branch_filter, events = :events, is_active = :is_active, updated_at = :now WHERE id = :id`,
      { id: hook.id, url, content_type, authorization_header, branch_filter, ...stored(wish), now: forge.now() },
    );
    return findHook(forge.db, home, hook.id);
  });
}

export function deleteHook(db: Database, hook: Hook): void {
  db.run("DELETE FROM hooks WHERE id = :id", { id: hook.id });
}

const stored = (wish: Pick<HookWish, "events" | "is_active">) => ({
  events: JSON.stringify(subscribed(wish.events)),
  is_active: Number(wish.is_active),
});

function checkTarget(wish: Pick<HookWish, "url" | "content_type">): void {
  if (!["json", "form"].includes(wish.content_type)) throw new Refusal(422, "Invalid content type");
  if (!URL.canParse(wish.url)) throw new Refusal(422, "Invalid webhook URL");
}
