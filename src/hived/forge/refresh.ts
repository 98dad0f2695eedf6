/** Work `refresh`: one issue or pull request is fetched and applied; webhooks and reconciliation both end here. */
import { z } from "zod";
import { AgentName } from "../../contract/names.ts";
import { findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Comment, Forge, ForgeVerbs, Issue, Review } from "./client.ts";
import { type ForgeItem, putItem, removeItem } from "./forge-items.ts";
import { bot, organizations } from "./plan.ts";

export type FetchedItem = {
  item: ForgeItem;
  body: string;
  /** of an issue, oldest first; a pull request's are fetched by whoever needs them */
  comments: Comment[];
};

/** Applies what was fetched, in the same commit as the projection. */
export type Follow = (tx: Transaction, fetched: FetchedItem) => void;

/** Letters, digits, dots, dashes and underscores, not led by a dot: what a forge takes for an owner and a repository. */
export const RepoName = z.string().regex(/^\w[\w.-]{0,99}\/[\w-][\w.-]{0,99}$/);

/** Asks for an item to be fetched: the bell that webhooks ring, and that whoever changed something rings after it. */
export function ringItem(tx: Transaction, core: Core, repo: string, number: number): void {
  core.scheduler.enqueue(tx, "refresh", `${repo}#${number}`);
}

/** Whose repositories are followed: our organizations' and the agents'. */
export function isFollowed(reader: Reader, owner: string): boolean {
  return readerOf(reader, owner) !== null;
}

/** As whom an owner's items are read: the bot sees our organizations alone, and an agent its own repositories. */
export function readerOf(reader: Reader, owner: string): typeof bot | AgentName | null {
  if (organizations.some(({ name }) => name === owner)) return bot;
  const agent = AgentName.safeParse(owner);
  return agent.success && findAgent(reader, agent.data) ? agent.data : null;
}

/** @param key "<owner>/<repo>#<number>" */
export async function refresh(core: Core, forge: Forge, key: string, follow: Follow): Promise<void> {
  const [repo = "", digits] = key.split("#");
  const number = Number(digits);
  const user = core.db.read((reader) => readerOf(reader, repo.split("/")[0] ?? ""));
  const fetched = user && (await fetchItem(forge.as(user), repo, number));
  await core.db.write((tx) => {
    if (!fetched) return removeItem(tx, repo, number);
    putItem(tx, fetched.item);
    follow(tx, fetched);
  });
}

async function fetchItem(as: ForgeVerbs, repo: string, number: number): Promise<FetchedItem | null> {
  const issue = await as.readIssue(repo, number);
  if (!issue) return null;
  if (issue.kind === "issue") {
    const comments = await as.listComments(repo, number);
    return { item: { ...common(repo, issue), head: null, base: null, reviewers: [] }, body: issue.body, comments };
  }
  const [pull, reviews] = await Promise.all([as.readPull(repo, number), as.listReviews(repo, number)]);
  if (!pull) return null;
  const { head, base, state, updatedAt } = pull;
  const item = { ...common(repo, issue), head, base, state, updatedAt, reviewers: waitedFor(reviews) };
  return { item, body: issue.body, comments: [] };
}

const common = (repo: string, { body: _, ...issue }: Issue) => ({ repo, ...issue });

/** A request that was answered is in the list no more, in its place is the review. */
const waitedFor = (reviews: Review[]): string[] => [
  ...new Set(reviews.filter(({ state }) => state === "REQUEST_REVIEW").map(({ user }) => user)),
];
