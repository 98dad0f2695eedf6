/** The table of the forge's issues and pull requests: what they were when they were last fetched. */
import { type Address, AgentName, type EpochMs, type ObjectId } from "../../contract/names.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { bot, operator } from "./plan.ts";

export type ForgeItem = {
  /** "owner/name" */
  repo: string;
  number: number;
  kind: "issue" | "pull";
  title: string;
  /** the forge user's name */
  author: string;
  state: "open" | "closed" | "merged";
  url: string;
  /** of a pull request: its newest commit, and the branch that it is against */
  head: ObjectId | null;
  base: string | null;
  /** who still has to review it */
  reviewers: string[];
  assignees: string[];
  createdAt: EpochMs;
  /** the forge's own, in whole seconds */
  updatedAt: EpochMs;
};

export type ItemPlace = Pick<ForgeItem, "repo" | "number">;

const columns = "kind title author state url head base reviewers assignees created_at updated_at".split(" ");
const PUT = `INSERT INTO forge_items (repo, number, ${columns.join(", ")})
  VALUES (:repo, :number, ${columns.map((column) => `:${column}`).join(", ")})
  ON CONFLICT (repo, number) DO UPDATE SET ${columns.map((column) => `${column} = :${column}`).join(", ")}`;
const FIND_PULL =
  "SELECT title, author, url FROM forge_items WHERE repo = :repo AND number = :number AND kind = 'pull'";
const KNOWN = "SELECT 1 FROM forge_items WHERE repo = :repo AND number = :number";
const KNOWN_PULL = `${KNOWN} AND kind = 'pull'`;
const REPOS = `SELECT repo, count(*) AS count FROM forge_items
  WHERE repo > :owner || '/' AND repo < :owner || '0' GROUP BY repo`; // "0" comes right after "/"
const OF_REPO = `SELECT number FROM forge_items WHERE repo = :repo AND number > :after ORDER BY number LIMIT :limit`;
const OPEN_AFTER = `SELECT repo, number FROM forge_items
  WHERE state = 'open' AND kind = 'pull' AND (repo, number) > (:repo, :number) ORDER BY repo, number LIMIT :limit`;
const REMOVE = "DELETE FROM forge_items WHERE repo = :repo AND number = :number";

export function putItem(tx: Transaction, { createdAt, updatedAt, ...item }: ForgeItem): void {
  tx.run(PUT, {
    ...item,
    reviewers: JSON.stringify(item.reviewers),
    assignees: JSON.stringify(item.assignees),
    created_at: createdAt,
    updated_at: updatedAt,
  });
}

/** What the forge has no more, or shows us no more. */
export function removeItem(tx: Transaction, repo: string, number: number): void {
  tx.run(REMOVE, { repo, number });
}

export type PullItem = Pick<ForgeItem, "title" | "author" | "url">;

export const findPull = (reader: Reader, { repo, number }: ItemPlace): PullItem | undefined =>
  reader.get(FIND_PULL, { repo, number });

/** Which pull requests are open, in the order of their repositories and numbers, above one. */
export const openPullsAfter = (reader: Reader, { repo, number }: ItemPlace, limit: number): ItemPlace[] =>
  reader.all(OPEN_AFTER, { repo, number, limit });

export const isKnown = (reader: Reader, { repo, number }: ItemPlace): boolean =>
  reader.get(KNOWN, { repo, number }) !== undefined;

export const isKnownPull = (reader: Reader, { repo, number }: ItemPlace): boolean =>
  reader.get(KNOWN_PULL, { repo, number }) !== undefined;

/** The repositories of an owner that something is known of, and of how many items. */
export const knownRepos = (reader: Reader, owner: string): { repo: string; count: number }[] =>
  reader.all(REPOS, { owner });

/** The numbers of a repository's items above one, ascending. */
export const numbersAfter = (reader: Reader, repo: string, after: number, limit: number): number[] =>
  reader.all<{ number: number }>(OF_REPO, { repo, after, limit }).map(({ number }) => number);

/** Who a forge user is to the hive: an agent, the hive itself, or somebody who acts for the operator. */
export function addressOf(user: string): Address {
  if (user === bot || user === "hive-admin") return "system";
  return AgentName.safeParse(user).data ?? operator;
}
