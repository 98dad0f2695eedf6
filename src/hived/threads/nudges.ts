/**
 * The table of old threads that were mentioned, each once, at the beginning of a turn that its agent has anyway. Nobody is
 * woken for it, and no timer runs: who asks for work is looked at, and only when something may have come of age since.
 */
import type { AgentName, EpochMs } from "../../contract/names.ts";
import type { Thread } from "../../contract/thread.ts";
import type { Nudges } from "../broker/lease.ts";
import { isProven } from "../broker/settlement.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import type { ItemPlace } from "../forge/forge-items.ts";
import { ownRows, type Row, toThread } from "./open-threads.ts";

/** How old a thread is when it is mentioned, unless the operator has chosen another age: a day. */
export const nudgeAfterMs = 24 * 60 * 60_000;

/** Also when nothing tells that there is something new. */
const lookAgainMs = 60 * 60_000;

/** In one prompt; the others in the next ones. */
const mostAtOnce = 5;

const UNREAD = `SELECT 1 FROM turns WHERE id = nudges.turn
  AND coalesce(evidence ->> 'outputTokens', evidence ->> 'outputs', 0) = 0`;
const NEW = `SELECT * FROM (${ownRows}) AS open WHERE NOT EXISTS (
    SELECT 1 FROM nudges WHERE agent = :viewer AND nudges.kind = open.kind AND nudges.repo = coalesce(open.repo, '')
      AND thread = open.id AND NOT EXISTS (${UNREAD}))
  ORDER BY at LIMIT ${mostAtOnce + 1}`;
const PUT = `INSERT INTO nudges (agent, kind, repo, thread, turn, text) VALUES (:agent, :kind, :repo, :id, :turn, :text)
  ON CONFLICT DO UPDATE SET turn = :turn, text = :text`;
const FORGET_PULL = "DELETE FROM nudges WHERE kind = 'pr' AND repo = :repo AND thread = :number";
const FORGET_AGENT = "DELETE FROM nudges WHERE agent = :agent";
const OF_TURN = "SELECT text FROM nudges WHERE turn = :turn ORDER BY kind, repo, thread";

/** @param afterMs how old a thread is when it is mentioned */
export function openNudges(core: Core, afterMs: number, signal: AbortSignal): Nudges {
  /** when to look again; whoever is not in it is looked at */
  const nextAt = new Map<AgentName, number>();
  core.events.watch((facts) => {
    for (const fact of facts) {
      if (fact.kind === "ThreadsChanged") nextAt.delete(fact.agent);
      else if (fact.kind === "TurnEnded" && !isProven(fact.turn.evidence)) nextAt.delete(fact.turn.agent);
    }
  }, signal);
  return {
    mention(tx, { agent, turn }) {
      const now = core.clock.now();
      if ((nextAt.get(agent) ?? 0) > now) return [];
      const rows = tx.all<Row>(NEW, { viewer: agent });
      const old = rows.filter(({ at }) => at <= now - afterMs).slice(0, mostAtOnce);
      const next = rows[old.length]?.at ?? Number.POSITIVE_INFINITY;
      tx.afterCommit(() => nextAt.set(agent, Math.min(next + afterMs, now + lookAgainMs)));
      if (old.length === 0) return []; // of a turn that begins none is mentioned yet
      for (const row of old)
        tx.run(PUT, {
          agent,
          kind: row.kind,
          repo: row.repo ?? "",
          id: row.id,
          turn,
          text: phrase(toThread(row), now),
        });
      return this.mentionedIn(tx, turn);
    },
    mentionedIn: (reader, turn) => reader.all<{ text: string }>(OF_TURN, { turn }).map(({ text }) => text),
  };
}

/** The forge has no such pull request any more. */
export function forgetNudgesOf(tx: Transaction, { repo, number }: ItemPlace): void {
  tx.run(FORGET_PULL, { repo, number });
}

/** An agent is gone: another one of its name has seen nothing yet. */
export function forgetNudgesTo(tx: Transaction, agent: AgentName): void {
  tx.run(FORGET_AGENT, { agent });
}

/** Nothing that somebody else has written: it stands in the part of the prompt that is ours. */
function phrase(thread: Thread, now: EpochMs): string {
  const hours = Math.floor((now - thread.openedAt) / 3_600_000);
  const age = hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
  return `${what(thread)} (open for ${age})`;
}

function what(thread: Thread): string {
  const { id } = thread;
  switch (thread.kind) {
    case "approval":
      return `your proposal #${id} in hive/agents`;
    case "question":
      return thread.role === "asker"
        ? `your question ${id} to ${thread.counterparty}`
        : `question ${id} of ${thread.counterparty}, which waits for your answer`;
    case "pr":
      return `pull request #${id} of ${thread.repo}, ${thread.role === "author" ? "which is yours" : "which you are to review"}`;
  }
}
