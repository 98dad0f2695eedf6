/** Sends a message: one row, and an inbox entry for each recipient, in the same transaction. */
import { type Message, maxBodyBytes } from "../../contract/message.ts";
import type { Address, AgentName, EpochMs, MessageId, Recipient } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import {
  type AgentRow,
  configOf,
  findAgent,
  findLiving,
  findManager,
  livingNames,
  requireAgent,
} from "../agents/agents.ts";
import { didYouMean } from "../agents/near-names.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { isAddressed, queueEntries } from "./inbox.ts";
import { addMessage, findByClientId, findMessage, nextMessage } from "./messages.ts";
import { countLetter, requireNoRest } from "./pairs.ts";

export type Letter = {
  from: Address;
  /** an agent's name, `manager`, `operator` or `*` */
  to: string;
  body: string;
  inReplyTo?: MessageId | undefined;
  /** any id of the sender's: a letter that comes again with the same one is sent once */
  clientId?: string | undefined;
  /** the answer to a question that the recipient asked: always allowed */
  isAnswer?: true;
  /** it is about something that the recipient has shown to the sender on the forge: always allowed, and counted */
  isInvited?: true;
};

/** A message's id, and a sentence about its delivery where there is something to say. */
export type Sent = { id: MessageId; note: string };

/** As `sendIn`, in a transaction of its own: durable before it is answered. */
export const send = (core: Core, letter: Letter): Promise<Sent> => core.db.write((tx) => sendIn(tx, core, letter));

/** The longest letter of the hive's own, in characters: what others wrote is quoted in them, at any length. */
const noticeCharacters = 8_000;

/**
 * A letter of the hive itself about something that has happened: it must not undo what it tells of, so to an agent that is
 * gone there is none, and one that is too long is cut.
 */
export function notify(tx: Transaction, core: Core, notice: Omit<Letter, "from">): void {
  if (notice.to !== "operator" && !findLiving(tx, notice.to)) return;
  const { body } = notice;
  const shortened = body.length <= noticeCharacters ? body : `${body.slice(0, noticeCharacters - 1)}…`;
  sendIn(tx, core, { ...notice, from: "system", body: shortened });
}

/** @throws Refusal when nobody has that address, the sender may not write there, or the letter itself is wrong */
export function sendIn(tx: Transaction, core: Core, letter: Letter): Sent {
  const { from, to, inReplyTo, clientId } = letter;
  const body = letter.body.toWellFormed(); // as the database keeps it: half a character has no UTF-8
  const earlier = clientId === undefined ? undefined : findByClientId(tx, from, clientId);
  if (earlier) return repeated(tx, earlier, { ...letter, body });
  checkBody(body);
  if (from !== "system" && !letter.isAnswer && core.db.isNearlyFull()) throw diskNearlyFull();
  const answered = inReplyTo === undefined ? undefined : requireReadable(tx, from, inReplyTo);
  const recipients = resolve(tx, letter);
  if (!isAllowed(tx, letter, recipients, answered)) throw notAllowed(from, to);
  const sentAt = core.clock.now();
  const pair = pairOf(letter, recipients);
  if (pair) requireNoRest(tx, ...pair, sentAt);
  const id = nextMessage(tx);
  const message = { id, from, to: to as Recipient, body, inReplyTo: inReplyTo ?? null, sentAt };
  const queued = queueEntries(tx, id, namesOf(recipients), sentAt);
  addMessage(tx, message, clientId ?? null, queued);
  core.events.append(tx, { kind: "MessageSent", message, queued }, sentAt);
  const restsUntil = pair ? countLetter(tx, core, ...pair) : null;
  if (pair && restsUntil !== null) tellOfRest(tx, core, pair, restsUntil);
  return { id, note: noteOn(recipients) };
}

/**
 * Sender and recipient where they are agents that could go on answering each other. A broadcast does not count, nor does the
 * answer to a question: that was given on the forge, and is not undone.
 */
function pairOf({ from, isAnswer }: Letter, recipients: Recipients): [AgentName, AgentName] | undefined {
  const isCounted = from !== "operator" && from !== "system" && !isAnswer;
  return isCounted && isOneAgent(recipients) ? [from, recipients.name] : undefined;
}

function tellOfRest(tx: Transaction, core: Core, [from, to]: [AgentName, AgentName], until: EpochMs): void {
  const body = `${from} and ${to} have written to each other so often of late that it may be a loop: neither reaches the other until ${new Date(until).toISOString()}, unless you lift that. What was sent so far is delivered.`;
  notify(tx, core, { to: "operator", body });
}

/** The one whom an address means, if this agent may write there. @throws Refusal as a letter would be refused */
export function requireRecipient(reader: Reader, from: AgentName, to: string): AgentName | "operator" {
  if (to === "*") {
    const next = "Choose one agent, `manager` or `operator`, or send a message.";
    throw new Refusal("one_recipient", "This goes to one recipient, not to everybody.", next);
  }
  const letter: Letter = { from, to, body: "" };
  const recipients = resolve(reader, letter);
  if (!isOneAgent(recipients)) return "operator";
  if (!isAllowed(reader, letter, recipients, undefined)) throw notAllowed(from, to);
  return recipients.name;
}

function repeated(tx: Transaction, earlier: Message, letter: Letter): Sent {
  const { to, body, inReplyTo, clientId } = letter;
  if (earlier.to !== to || earlier.body !== body || earlier.inReplyTo !== (inReplyTo ?? null))
    throw clientIdTaken(clientId, `message ${earlier.id}`);
  return { id: earlier.id, note: noteOn(resolve(tx, letter)) };
}

/** For something else under a client_id that was used: carrying it out would break the promise, leaving it out lose it. */
export const clientIdTaken = (clientId: string | undefined, earlier: string) =>
  new Refusal(
    "client_id_taken",
    `You have used the client_id "${clientId}" before, for something else (${earlier}).`,
    "Choose a new client_id for each message and question, or leave it out.",
  );

function checkBody(body: string): void {
  if (body.trim() === "") throw new Refusal("empty_body", "The body is empty.", "Say what you want to tell.");
  const bytes = Buffer.byteLength(body);
  if (bytes <= maxBodyBytes) return;
  throw new Refusal(
    "body_too_large",
    `The body has ${bytes} bytes; ${maxBodyBytes} are allowed.`,
    "Put it into a file under /shared and send the path of that file.",
  );
}

/** What is left is kept for the turns of what was accepted; what the hive itself has to tell is part of those. */
const diskNearlyFull = () =>
  new Refusal(
    "disk_nearly_full",
    "The disk of the hive is nearly full: new messages are not taken, those that were sent are kept.",
    "Free space in your directories if you use much; then try again in a few minutes, or end your turn.",
  );

/** The message that is answered, which must be one that the sender has seen. */
function requireReadable(reader: Reader, from: Address, id: MessageId): Message {
  const message = findMessage(reader, id);
  const isTheirs = message && (message.from === from || from === "system" || from === "operator");
  if (message && (isTheirs || isAddressed(reader, id, from))) return message;
  throw new Refusal(
    "unknown_message",
    `You have no message ${id} to answer.`,
    "Give the id that stands above the message, or leave in_reply_to out.",
  );
}

/** An agent, the operator, or the names of everybody. */
type Recipients = AgentRow | "operator" | AgentName[];

const isOneAgent = (recipients: Recipients): recipients is AgentRow =>
  recipients !== "operator" && !Array.isArray(recipients);

function namesOf(recipients: Recipients): Address[] {
  if (recipients === "operator") return ["operator"];
  return isOneAgent(recipients) ? [recipients.name] : recipients;
}

function resolve(reader: Reader, { from, to }: Letter): Recipients {
  if (to === "operator") return "operator";
  if (to === "*") return everybodyBut(reader, from);
  const row = to === "manager" ? findManager(reader) : findAgent(reader, to);
  if (!row) throw unknownRecipient(reader, from, to);
  if (row.name === from) {
    throw new Refusal(
      "recipient_is_sender",
      "That is your own address.",
      "Keep a note in your state directory instead.",
    );
  }
  if (row.wish !== "destroyed") return row;
  throw new Refusal("recipient_destroyed", `${to} was destroyed.`, "Write to the manager instead.");
}

function everybodyBut(reader: Reader, from: Address): AgentName[] {
  const others = livingNames(reader).filter((name) => name !== from);
  if (others.length > 0) return others;
  throw new Refusal("unknown_recipient", "There is no other agent yet.", "Write to the operator instead.");
}

/** The operator and the hive may write to everybody, so may the manager; the others as their agent.yaml says. */
function isAllowed(reader: Reader, letter: Letter, recipients: Recipients, answered: Message | undefined): boolean {
  const { from, isAnswer, isInvited } = letter;
  if (from === "operator" || from === "system" || recipients === "operator" || isAnswer || isInvited) return true;
  const sender = requireAgent(reader, from);
  const allowed: readonly string[] = configOf(sender)?.recipients ?? [];
  if (sender.role === "manager" || allowed.includes("*")) return true;
  if (!isOneAgent(recipients)) return false;
  const { name, role } = recipients;
  return role === "manager" || allowed.includes(name) || answered?.from === name;
}

const notAllowed = (from: Address, to: string): Refusal =>
  new Refusal(
    "recipient_not_allowed",
    to === "*" ? `${from} may not write to everybody.` : `${from} may not write to ${to}.`,
    `Ask the manager, or propose "${to}" under recipients in agents/${from}/agent.yaml. A message of ${
      to === "*" ? "another agent" : to
    } may always be answered with in_reply_to.`,
  );

const namesShown = 20;

function unknownRecipient(reader: Reader, from: Address, to: string): Refusal {
  if (to === "manager") return new Refusal("unknown_recipient", "There is no manager yet.", "Write to the operator.");
  const names = livingNames(reader).filter((name) => name !== from);
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  return new Refusal(
    "unknown_recipient",
    `Nobody here is called "${to}".${didYouMean(to, ["manager", "operator", ...names])}`,
    `You can write to manager, operator or * (all agents), or to one of: ${names.slice(0, namesShown).join(", ")}${more}.`,
  );
}

function noteOn(recipients: Recipients): string {
  if (recipients === "operator") return "";
  if (isOneAgent(recipients)) return noteOnAgent(recipients);
  return `It goes to ${recipients.length} ${recipients.length === 1 ? "agent" : "agents"}.`;
}

function noteOnAgent({ name, wish, state }: AgentRow): string {
  if (wish === "stopped" || state === "stopped") return `${name} is stopped: queued, will be delivered when it starts.`;
  if (state === "parked" || state === "failed") return `${name} cannot work just now: queued until it can.`;
  return "";
}
