/**
 * What the operator does with inbox entries. Each verb finds done what is so already:
 *
 *   retry: dead, cancelled → queued; cancel: queued, dead → cancelled; read (the operator's own): queued → read
 */
import type { InboxEntry } from "../../contract/message.ts";
import { AgentName, type EntryId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { changeAgent, requireAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { findEntry, type Settlement, settleEntry } from "./inbox.ts";
import { atOnce, queuedFor } from "./queues.ts";
import { enqueueWake } from "./waiters.ts";

/** Queues an entry again as if it had never failed; that it was delivered before stays known. */
export const retryEntry = (core: Core, id: EntryId): Promise<InboxEntry> =>
  core.db.write((tx) => {
    const entry = requireEntry(tx, id);
    if (entry.recipient === "operator") throw operatorsOwn(entry);
    if (entry.state === "queued" || entry.state === "leased") return entry;
    if (entry.state === "handled" || entry.state === "read") throw alreadySettled(entry);
    if (requireAgent(tx, entry.recipient).wish === "destroyed")
      throw new Refusal(
        "recipient_destroyed",
        `${entry.recipient} was destroyed.`,
        "Send it to another agent instead.",
      );
    return change(tx, core, entry, { state: "queued", failures: 0, notBefore: atOnce, problem: null });
  });

/** Gives an entry up for good. @throws Refusal while a turn has it */
export const cancelEntry = (core: Core, id: EntryId): Promise<InboxEntry> =>
  core.db.write((tx) => {
    const entry = requireEntry(tx, id);
    if (entry.recipient === "operator") throw operatorsOwn(entry);
    if (entry.state === "cancelled") return entry;
    if (entry.state === "leased")
      throw new Refusal("entry_in_turn", `${entry.recipient} works on it just now.`, "Wait for the end of that turn.");
    if (entry.state === "handled" || entry.state === "read") throw alreadySettled(entry);
    const cancelled = cancel(tx, core, entry);
    enqueueWake(tx, core, AgentName.parse(entry.recipient), core.clock.now()); // it may have held newer ones back
    return cancelled;
  });

/** Caps the time that one commit holds the event loop. */
const bite = 500;

/** Cancels all that is queued for an agent at this moment. @returns how many entries that were */
export async function cancelQueued(core: Core, agent: AgentName): Promise<number> {
  const upTo = core.db.read((reader) => queuedFor(reader, requireAgent(reader, agent).name).at(-1) ?? 0);
  let count = 0;
  for (let last = bite; last === bite; count += last) {
    last = await core.db.write((tx) => {
      const ids = queuedFor(tx, agent)
        .slice(0, bite)
        .filter((id) => id <= upTo);
      for (const id of ids) cancel(tx, core, requireEntry(tx, id));
      return ids.length;
    });
  }
  if (count === 0) return 0;
  await core.db.write((tx) => {
    const text = `The operator cancelled ${count === 1 ? "one message" : `${count} messages`} that waited for ${agent}.`;
    noteIn(tx, core, text);
    enqueueWake(tx, core, agent, core.clock.now());
  });
  return count;
}

/** Marks entries of the operator's inbox as read; those that are not, and not of it, are left alone. */
export const markRead = (core: Core, ids: readonly EntryId[]): Promise<void> =>
  core.db.write((tx) => {
    for (const id of ids) {
      const entry = requireEntry(tx, id);
      if (entry.recipient !== "operator" || entry.state !== "queued") continue;
      change(tx, core, entry, { ...kept(entry), state: "read" });
    }
  });

/** Lets an agent go on that was parked: whatever it was that stood in its way, the operator has seen to it. */
export const unparkAgent = (core: Core, name: AgentName): Promise<void> =>
  core.db.write((tx) => {
    if (requireAgent(tx, name).state !== "parked") return;
    changeAgent(tx, core, name, { state: "idle", problem: null, retry_at: null });
  });

function requireEntry(tx: Transaction, id: EntryId): InboxEntry {
  const entry = findEntry(tx, id);
  if (entry) return entry;
  throw new Refusal("unknown_entry", `There is no inbox entry ${id}.`, "Look at `hive messages`.");
}

const kept = ({ failures, notBefore, problem }: InboxEntry) => ({ failures, notBefore, problem });

const cancel = (tx: Transaction, core: Core, entry: InboxEntry): InboxEntry =>
  change(tx, core, entry, { ...kept(entry), state: "cancelled" });

function change(tx: Transaction, core: Core, before: InboxEntry, settlement: Settlement): InboxEntry {
  const entry = settleEntry(tx, before, settlement, core.clock.now());
  core.events.append(tx, { kind: "EntryChanged", entry }, core.clock.now());
  if (before.state === "dead" && before.recipient !== "operator") {
    const { name, dead_letters } = requireAgent(tx, before.recipient);
    changeAgent(tx, core, name, { dead_letters: dead_letters - 1 });
  }
  return entry;
}

const alreadySettled = ({ state }: InboxEntry) =>
  new Refusal("entry_settled", `That was ${state} already.`, "Send a new message if there is more to say.");
const operatorsOwn = ({ id }: InboxEntry) =>
  new Refusal("entry_of_operator", `Entry ${id} is in your own inbox.`, "Mark it read instead.");
