/** The table of messages: what was sent, stored once however many it went to. */
import type { Message, Queued } from "../../contract/message.ts";
import type { Address, EpochMs, MessageId, Recipient } from "../../contract/names.ts";
import type { Addition, Reader, Transaction } from "../database/write.ts";

type Row = {
  id: MessageId;
  sender: Address;
  recipient: Recipient;
  body: string;
  in_reply_to: MessageId | null;
  sent_at: EpochMs;
};

const MESSAGES: Addition = {
  table: "messages",
  columns: ["id", "sender", "recipient", "body", "in_reply_to", "client_id", "sent_at", "first_entry", "last_entry"],
};
const FIND = "SELECT * FROM messages WHERE id = :id";
const OF_CLIENT = "SELECT * FROM messages WHERE sender = :from AND client_id = :clientId";
const NEWEST = "SELECT * FROM (SELECT * FROM messages ORDER BY id DESC LIMIT :limit) ORDER BY id";

const toMessage = (row: Row): Message => ({
  id: row.id,
  from: row.sender,
  to: row.recipient,
  body: row.body,
  inReplyTo: row.in_reply_to,
  sentAt: row.sent_at,
});
const one = (row: Row | undefined) => row && toMessage(row);

export const nextMessage = (tx: Transaction) => tx.nextId("messages") as MessageId;

export function addMessage(tx: Transaction, message: Message, clientId: string | null, queued: Queued): void {
  const { id, from, to, body, inReplyTo, sentAt } = message;
  const last = queued.first + queued.recipients.length - 1;
  tx.add(MESSAGES, [id, from, to, body, inReplyTo, clientId, sentAt, queued.first, last]);
}

export const findMessage = (reader: Reader, id: MessageId) => one(reader.get<Row>(FIND, { id }));

/** The message that this sender sent with an id of its own making. */
export const findByClientId = (reader: Reader, from: Address, clientId: string) =>
  one(reader.get<Row>(OF_CLIENT, { from, clientId }));

/** The newest messages, oldest first. */
export const newestMessages = (reader: Reader, limit: number): Message[] =>
  reader.all<Row>(NEWEST, { limit }).map(toMessage);
