/** The table of other people's repositories in which agents have a part, and as whom each is read. */
import type { AgentName } from "../../contract/names.ts";
import { findLiving } from "../agents/agents.ts";
import type { Reader, Transaction } from "../database/write.ts";

const FIND = "SELECT reader FROM guest_repos WHERE repo = :repo";
const PUT =
  "INSERT INTO guest_repos (repo, reader) VALUES (:repo, :agent) ON CONFLICT (repo) DO UPDATE SET reader = :agent";

/** The agent that a repository is read as; null where no agent is a guest. */
export const guestOf = (reader: Reader, repo: string): AgentName | null =>
  firstAgent(reader, [reader.get<{ reader: string }>(FIND, { repo })?.reader ?? ""]);

/** The newest guest is the reader: an earlier one may be shown the repository no more. */
export function noteGuest(tx: Transaction, repo: string, agent: AgentName): void {
  tx.run(PUT, { repo, agent });
}

/** The first of some forge users that is an agent of ours, and not gone. */
export const firstAgent = (reader: Reader, users: readonly string[]): AgentName | null =>
  users.map((user) => findLiving(reader, user)).find((row) => row !== undefined)?.name ?? null;
