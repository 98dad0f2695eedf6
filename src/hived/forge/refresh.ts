/** Work `refresh`: one issue or pull request is fetched and applied; webhooks and reconciliation both end here. */
import { z } from "zod";
import type { AgentName } from "../../contract/names.ts";
import { findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Comment, Forge, ForgeVerbs, Pull, Review } from "./client.ts";
import { type ForgeItem, type ItemPlace, isKnownPull, putItem, removeItem } from "./forge-items.ts";
import { firstAgent, guestOf } from "./guest-repos.ts";
import { bot, organizations, questionsRepo } from "./plan.ts";
import { shutOut } from "./visible.ts";

export type FetchedItem = {
  item: ForgeItem;
  body: string;
  /** of an issue in hive/questions, oldest first; others' are fetched by whoever needs them */
  comments: Comment[];
};

/** Applies what was fetched, in the same commit as the projection. */
export type Follow = (tx: Transaction, fetched: FetchedItem) => void;

/** The same for what the forge has no more. */
export type Forget = (tx: Transaction, place: ItemPlace) => void;

/** Letters, digits, dots, dashes and underscores, not led by a dot: what a forge takes for an owner and a repository. */
export const RepoName = z.string().regex(/^\w[\w.-]{0,99}\/[\w-][\w.-]{0,99}$/);

/** Asks for an item to be fetched: the bell that webhooks ring, and that whoever changed something rings after it. */
export function ringItem(tx: Transaction, core: Core, repo: string, number: number): void {
  core.scheduler.enqueue(tx, "refresh", `${repo}#${number}`);
}

/** As whom a whole owner's items are read, named by it or by a repository of its: the bot sees our organizations alone, and an agent its own repositories. */
export function ownerReader(reader: Reader, place: string): typeof bot | AgentName | null {
  const [owner = ""] = place.split("/");
  return organizations.some(({ name }) => name === owner) ? bot : (findAgent(reader, owner)?.name ?? null);
}

/** As whom a repository is read that is followed: of an owner of ours, or one in which an agent is a guest. */
export const readerOf = (reader: Reader, repo: string): typeof bot | AgentName | null =>
  ownerReader(reader, repo) ?? guestOf(reader, repo);

/** @param key "<owner>/<repo>#<number>" */
export async function refresh(
  core: Core,
  forge: Forge,
  key: string,
  { follow, forget }: { follow: Follow; forget: Forget },
): Promise<void> {
  const [repo = "", digits] = key.split("#");
  const number = Number(digits);
  const [user, isPull] = core.db.read(
    (reader) => [readerOf(reader, repo), isKnownPull(reader, { repo, number })] as const,
  );
  const fetched = user && (await fetchItem(forge.as(user), { repo, number, isPull }));
  if (fetched) {
    const { item } = fetched;
    const gone = await shutOut({ core, forge }, item, item.reviewers);
    item.reviewers = item.reviewers.filter((reviewer) => !gone.has(reviewer)); // who can't review it owes nothing
  }
  await core.db.write((tx) => {
    if (!fetched || !isOurs(tx, fetched.item)) {
      removeItem(tx, repo, number);
      return forget(tx, { repo, number });
    }
    putItem(tx, fetched.item);
    follow(tx, fetched);
  });
}

/** Where an agent is a guest, that is what an agent has or had a part in; the rest is nobody's business here. */
const isOurs = (reader: Reader, { repo, number, kind, author, reviewers }: ForgeItem): boolean =>
  ownerReader(reader, repo) !== null ||
  isKnownPull(reader, { repo, number }) ||
  (kind === "pull" && firstAgent(reader, [author, ...reviewers]) !== null);

/**
 * One call, where nothing more is used: the comments are a question's alone, and nobody is waited for who was not asked.
 * A number may have become another thing with its repository.
 */
async function fetchItem(as: ForgeVerbs, of: ItemPlace & { isPull: boolean }): Promise<FetchedItem | null> {
  const { repo, number, isPull } = of;
  const known = isPull ? await as.readPull(repo, number) : null;
  if (known) return fetchedPull(as, repo, known);
  const [issue, comments] = await Promise.all([
    as.readIssue(repo, number),
    repo === questionsRepo ? as.listComments(repo, number) : [],
  ]);
  if (issue?.kind === "pull") {
    const pull = await as.readPull(repo, number);
    return pull && fetchedPull(as, repo, pull);
  }
  if (!issue) return null;
  const { body, ...common } = issue;
  return { item: { repo, ...common, head: null, base: null, reviewers: [] }, body, comments };
}

async function fetchedPull(as: ForgeVerbs, repo: string, pull: Pull): Promise<FetchedItem> {
  const { number, title, body, author, state, head, base, url, assignees, createdAt, updatedAt } = pull;
  const reviewers = pull.reviewers.length > 0 ? waitedFor(await as.listReviews(repo, number)) : [];
  const common = { repo, number, kind: "pull" as const, title, author, state, url, assignees, createdAt, updatedAt };
  return { item: { ...common, head, base, reviewers }, body, comments: [] };
}

const requestOrVerdict = new Set(["REQUEST_REVIEW", "APPROVED", "REQUEST_CHANGES"]);

/**
 * Whose newest word is the request. Once answered it is in the list no more, but where the review was begun line by line and
 * then finished it stays there, before that (Forgejo 7.0).
 */
export function waitedFor(reviews: readonly Pick<Review, "id" | "user" | "state">[]): string[] {
  const words = reviews.filter(({ state }) => requestOrVerdict.has(state)).sort((a, b) => a.id - b.id);
  const newest = new Map(words.map(({ user, state }) => [user, state]));
  return [...newest].flatMap(([user, state]) => (state === "REQUEST_REVIEW" ? [user] : []));
}
