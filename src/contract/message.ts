import { z } from "zod";
import { Address, EntryId, EpochMs, MessageId, Recipient, TurnId } from "./names.ts";

/** The longest body of a message, in bytes of UTF-8. */
export const maxBodyBytes = 64 * 1024;

/** What was sent, stored once. `to` is as the sender addressed it. */
export const Message = z.object({
  id: MessageId,
  from: Address,
  to: Recipient,
  body: z.string(),
  inReplyTo: MessageId.nullable(),
  sentAt: EpochMs,
});
export type Message = z.infer<typeof Message>;

/**
 * queued → leased (by a turn) → handled, or back to queued with a backoff, or dead after too many failed turns;
 * an operator's entry goes queued → read. `cancelled` is the operator's doing, who may also queue it, or a dead one, again.
 */
export const EntryState = z.enum(["queued", "leased", "handled", "dead", "cancelled", "read"]);
export type EntryState = z.infer<typeof EntryState>;

/** A message's row for one recipient. */
export const InboxEntry = z.object({
  id: EntryId,
  message: MessageId,
  recipient: Address,
  state: EntryState,
  /** how often it was leased; from the second on it is marked redelivered */
  attempt: z.number().int(),
  /** how many of those turns failed; only these lead to `dead` */
  failures: z.number().int(),
  turn: TurnId.nullable(),
  queuedAt: EpochMs,
  leasedAt: EpochMs.nullable(),
  settledAt: EpochMs.nullable(),
  /** not leased before this time; 0 when it does not wait for one */
  notBefore: EpochMs,
  problem: z.string().nullable(),
});
export type InboxEntry = z.infer<typeof InboxEntry>;

/** The entries of a message that is sent, one for each recipient: numbered one after the other, and all alike. */
export const Queued = z.object({ first: EntryId, recipients: z.array(Address) });
export type Queued = z.infer<typeof Queued>;

export const entriesOf = ({ id, sentAt }: Message, { first, recipients }: Queued): InboxEntry[] =>
  recipients.map((recipient, place) => ({
    id: (first + place) as EntryId,
    message: id,
    recipient,
    state: "queued",
    attempt: 0,
    failures: 0,
    turn: null,
    queuedAt: sentAt,
    leasedAt: null,
    settledAt: null,
    notBefore: 0 as EpochMs,
    problem: null,
  }));

/** The states in which an entry still waits for something: its turn, the end of that, or the operator. */
export const WaitingState = EntryState.extract(["queued", "leased", "dead"]);
export type WaitingState = z.infer<typeof WaitingState>;

/** An entry among many, with as much of its message as a line shows. */
export const WaitingEntry = z.object({ entry: InboxEntry, from: Address, beginning: z.string() });
export type WaitingEntry = z.infer<typeof WaitingEntry>;
