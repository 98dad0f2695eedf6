/**
 * The table of inbox entries: a message's row for one recipient.
 * queued → leased → handled | cancelled | dead, or back to queued; an operator's entry queued → read. The operator's doing:
 * queued, dead → cancelled, and dead, cancelled → queued.
 */
import type { LeasedEntry } from "../../contract/link.ts";
import type { EntryState, InboxEntry, Queued, WaitingEntry, WaitingState } from "../../contract/message.ts";
import type {
  Address,
  AgentName,
  EntryId,
  EpochMs,
  LaunchId,
  MessageId,
  Recipient,
  TurnId,
} from "../../contract/names.ts";
import { isHeldByTurn } from "../agents/in-turn.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";
import { atOnce, dequeue, dueFor, enqueue, waitsOf } from "./queues.ts";

type Row = {
  id: EntryId;
  message: MessageId;
  recipient: Address;
  state: EntryState;
  attempt: number;
  failures: number;
  turn: TurnId | null;
  mark: number | null;
  queued_at: EpochMs;
  leased_at: EpochMs | null;
  settled_at: EpochMs | null;
  not_before: EpochMs;
  problem: string | null;
};
type RowWithMessage = Row & {
  sender: Address;
  body: string;
  sent_at: EpochMs;
  in_reply_to: MessageId | null;
  addressed_to: Recipient;
};

/** An entry that a turn holds; `mark` numbers the `recv` that handed it out, null for those that started the turn. */
export type HeldEntry = InboxEntry & { from: Address; mark: number | null };

/** What becomes of a held entry; back in the queue it belongs to no turn. */
export type Settlement = Pick<InboxEntry, "state" | "failures" | "notBefore" | "problem">;

const INBOX: Addition = {
  table: "inbox",
  columns: ["id", "message", "recipient", "state", "queued_at", "not_before"],
};
// In one statement: what is added one by one costs half as much again.
const QUEUE_MANY = `INSERT INTO inbox (id, message, recipient, state, queued_at, not_before)
  SELECT :first + key, :message, value, 'queued', :now, 0 FROM json_each(:recipients)`;
const LEASE = `UPDATE inbox SET state = 'leased', attempt = :attempt, turn = :turn, mark = :mark, leased_at = :now,
  settled_at = NULL WHERE id = :id`;
const WITH_MESSAGE = `SELECT inbox.*, messages.sender, messages.body, messages.sent_at, messages.in_reply_to,
  messages.recipient AS addressed_to FROM inbox JOIN messages ON messages.id = inbox.message`;
const FIND_WITH_MESSAGE = `${WITH_MESSAGE} WHERE inbox.id = :id`;
const HELD_MESSAGES = `${WITH_MESSAGE} WHERE inbox.turn = :turn AND inbox.state = 'leased' AND inbox.mark IS :mark
  ORDER BY inbox.id`;
const LENGTH = `SELECT length(json_quote(messages.body)) AS length
  FROM inbox JOIN messages ON messages.id = inbox.message WHERE inbox.id = :id`;
const HELD = `SELECT inbox.*, messages.sender FROM inbox JOIN messages ON messages.id = inbox.message
  WHERE inbox.turn = :turn AND inbox.state = 'leased' ORDER BY inbox.id`;
const HELD_BY_TURNS = `SELECT inbox.*, messages.sender, agents.launch FROM inbox
    JOIN messages ON messages.id = inbox.message JOIN agents ON agents.name = inbox.recipient
  WHERE ${isHeldByTurn} ORDER BY inbox.id`;
const SETTLE = `UPDATE inbox SET state = :state, failures = :failures, not_before = :notBefore, problem = :problem,
  turn = :turn, mark = NULL, leased_at = :leasedAt, settled_at = :settledAt WHERE id = :id`;
const END_BACKOFF = "UPDATE inbox SET not_before = 0 WHERE id = :id RETURNING *";
const FIND = "SELECT * FROM inbox WHERE id = :id";
const FIND_WITH_BEGINNING = `SELECT inbox.*, substr(messages.body, 1, :characters) AS beginning
  FROM inbox JOIN messages ON messages.id = inbox.message WHERE inbox.id = :id`;
// One text for each state, as only a literal finds the index of that state.
const newestIn = (
  state: WaitingState,
) => `SELECT inbox.*, messages.sender, substr(messages.body, 1, :characters) AS beginning
  FROM inbox JOIN messages ON messages.id = inbox.message
  WHERE inbox.state = '${state}' AND (:recipient IS NULL OR inbox.recipient = :recipient)
  ORDER BY inbox.id DESC LIMIT :limit`;
const COUNTS = `SELECT (SELECT count(*) FROM inbox WHERE state = 'queued') AS queued,
  (SELECT count(*) FROM inbox WHERE state = 'leased') AS leased, (SELECT count(*) FROM inbox WHERE state = 'dead') AS dead`;
const IS_ADDRESSED = `SELECT 1 FROM messages JOIN inbox ON inbox.id BETWEEN messages.first_entry AND messages.last_entry
  WHERE messages.id = :message AND inbox.recipient = :recipient`;
const SINCE = `SELECT * FROM inbox
  WHERE id >= (SELECT first_entry FROM messages WHERE id >= :message ORDER BY id LIMIT 1) ORDER BY id`;

const toEntry = (row: Row): InboxEntry => ({
  id: row.id,
  message: row.message,
  recipient: row.recipient,
  state: row.state,
  attempt: row.attempt,
  failures: row.failures,
  turn: row.turn,
  queuedAt: row.queued_at,
  leasedAt: row.leased_at,
  settledAt: row.settled_at,
  notBefore: row.not_before,
  problem: row.problem,
});

const toHeldEntry = (row: Row & { sender: Address }): HeldEntry => ({
  ...toEntry(row),
  from: row.sender,
  mark: row.mark,
});

const toLeased = (row: RowWithMessage): LeasedEntry => ({
  entry: row.id,
  message: row.message,
  from: row.sender,
  body: row.body,
  sentAt: row.sent_at,
  inReplyTo: row.in_reply_to,
  redelivered: row.attempt > 1,
  broadcast: row.addressed_to === "*",
});

/** Queues a message for each of its recipients. */
export function queueEntries(
  tx: Transaction,
  message: MessageId,
  recipients: readonly Address[],
  now: EpochMs,
): Queued {
  const first = tx.nextId("inbox", recipients.length) as EntryId;
  for (const [place, recipient] of recipients.entries()) enqueue(tx, recipient, (first + place) as EntryId, atOnce);
  if (recipients.length > 1) tx.run(QUEUE_MANY, { first, message, now, recipients: JSON.stringify(recipients) });
  else for (const recipient of recipients) tx.add(INBOX, [first, message, recipient, "queued", now, 0]);
  return { first, recipients: [...recipients] };
}

type Lease = { agent: AgentName; turn: TurnId; mark: number | null; now: EpochMs; limit: number };

/**
 * Leases the oldest due entries of an agent's inbox to its turn, `limit` at most.
 * @returns them oldest first, as they are now, each with what the agent gets
 */
export function leaseDue(tx: Transaction, lease: Lease): { entry: InboxEntry; held: HeldEntry; leased: LeasedEntry }[] {
  const { agent, turn, mark, now, limit } = lease;
  return dueFor(tx, agent, now, limit).map((id) => {
    const before = requireRow(tx.get<RowWithMessage>(FIND_WITH_MESSAGE, { id }), id);
    const attempt = before.attempt + 1;
    dequeue(tx, agent, id);
    tx.run(LEASE, { id, attempt, turn, mark, now });
    const row = { ...before, state: "leased" as const, attempt, turn, mark, leased_at: now, settled_at: null };
    return { entry: toEntry(row), held: toHeldEntry(row), leased: toLeased(row) };
  });
}

function requireRow<Found>(row: Found | undefined, id: EntryId): Found {
  if (!row) throw new Error(`entry ${id} is queued, and has no row`);
  return row;
}

/** What a turn holds, as an agent gets it: what started it (`mark` null), or what one `recv` handed out. */
export const heldMessages = (reader: Reader, turn: TurnId, mark: number | null): LeasedEntry[] =>
  reader.all<RowWithMessage>(HELD_MESSAGES, { turn, mark }).map(toLeased);

/** The lengths of the bodies that are due next, in characters of JSON, oldest first. */
export const dueLengths = (reader: Reader, agent: AgentName, now: EpochMs, limit: number): number[] =>
  dueFor(reader, agent, now, limit).map((id) => requireRow(reader.get<{ length: number }>(LENGTH, { id }), id).length);

/** All that a client outside of a sandbox holds, oldest first. */
export const heldBy = (reader: Reader, turn: TurnId): HeldEntry[] =>
  reader.all<Row & { sender: Address }>(HELD, { turn }).map(toHeldEntry);

/** All that turns hold, oldest first, each with its turn, and with the launch that this runs in: the recipient's. */
export const heldByTurns = (reader: Reader): (HeldEntry & { turn: TurnId; launch: LaunchId })[] =>
  reader
    .all<Row & { sender: Address; turn: TurnId; launch: LaunchId }>(HELD_BY_TURNS)
    .map((row) => ({ ...toHeldEntry(row), turn: row.turn, launch: row.launch }));

/** @returns the entry as it is now */
export function settleEntry(tx: Transaction, entry: InboxEntry, settlement: Settlement, now: EpochMs): InboxEntry {
  const { id, message, recipient, attempt, queuedAt } = entry;
  const isQueued = settlement.state === "queued";
  const times = isQueued
    ? { turn: null, leasedAt: null, settledAt: null }
    : { turn: entry.turn, leasedAt: entry.leasedAt, settledAt: now };
  if (isQueued) enqueue(tx, recipient, id, settlement.notBefore);
  else dequeue(tx, recipient, id);
  tx.run(SETTLE, { id, ...settlement, ...times });
  return { id, message, recipient, attempt, queuedAt, ...settlement, ...times };
}

export const findEntry = (reader: Reader, id: EntryId): InboxEntry | undefined => {
  const row = reader.get<Row>(FIND, { id });
  return row && toEntry(row);
};

/** An entry with the beginning of its message; undefined once it is forgotten. */
export function findWithBeginning(
  reader: Reader,
  id: EntryId,
): { delivery: InboxEntry; beginning: string } | undefined {
  const row = reader.get<Row & { beginning: string }>(FIND_WITH_BEGINNING, { id, characters: shownCharacters });
  return row && { delivery: toEntry(row), beginning: row.beginning };
}

/** How much of a body is shown where many are listed, in characters. */
const shownCharacters = 200;

/** The newest entries that are in a state, of one recipient or of all, newest first. */
export const newestWaiting = (
  reader: Reader,
  state: WaitingState,
  { recipient, limit }: { recipient: Address | null; limit: number },
): WaitingEntry[] =>
  reader
    .all<Row & { sender: Address; beginning: string }>(newestIn(state), {
      recipient,
      limit,
      characters: shownCharacters,
    })
    .map((row) => ({ entry: toEntry(row), from: row.sender, beginning: row.beginning }));

/** How many entries are in each state of those that wait for something. */
export const countWaiting = (reader: Reader): Record<WaitingState, number> =>
  reader.get<Record<WaitingState, number>>(COUNTS) ?? { queued: 0, leased: 0, dead: 0 };

/** Ends what backoffs are over: from then on nothing, not even a clock that is set back, makes those entries wait. */
export function endBackoff(tx: Transaction, agent: AgentName, now: EpochMs): InboxEntry[] {
  const over = [...waitsOf(tx, agent)].filter(([, until]) => until <= now).map(([id]) => id);
  return over
    .sort((a, b) => a - b)
    .map((id) => {
      enqueue(tx, agent, id, atOnce);
      return toEntry(requireRow(tx.get<Row>(END_BACKOFF, { id }), id));
    });
}

export const isAddressed = (reader: Reader, message: MessageId, recipient: Address): boolean =>
  reader.get(IS_ADDRESSED, { message, recipient }) !== undefined;

/** The entries of a message and of all newer ones. */
export const entriesSince = (reader: Reader, message: MessageId): InboxEntry[] =>
  reader.all<Row>(SINCE, { message }).map(toEntry);
