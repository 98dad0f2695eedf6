/** `hive messages` and `hive retry`: what waits in the inboxes of a running hive, and a dead letter's second chance. */
import type { InboxEntry, WaitingEntry } from "../../contract/message.ts";
import { Address, EntryId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { routes } from "../../contract/routes.ts";
import type { ResponseOf } from "../../contract/table.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine, timeText } from "../line.ts";
import { withHived } from "../up/reach.ts";

type Waiting = ResponseOf<typeof routes.readWaiting>;

/** Shows what waits, for one recipient or for all. @throws Refusal `not_running`, `bad_name` */
export async function messages(
  recipient: string | undefined,
  options: { home?: string; json?: boolean },
): Promise<number> {
  const asked = recipient === undefined ? null : parseRecipient(recipient);
  return withHived(options, async (hived) => {
    const waiting = await hived.readWaiting({ recipient: asked });
    process.stdout.write(options.json ? `${JSON.stringify(waiting, null, 2)}\n` : waitingText(waiting));
    return exitCodes.ok;
  });
}

/** Queues a dead or cancelled entry again. @throws Refusal `not_running`, or as hived says it */
export async function retry(entry: string, options: { home?: string }): Promise<number> {
  const { success, data: id } = EntryId.safeParse(Number(entry));
  if (!success) throw new Refusal("bad_entry", `"${entry}" is no number of an entry.`, "Look at `hive messages`.");
  return withHived(options, async (hived) => {
    const { recipient, state } = await hived.retryEntry({ entry: id });
    const now = state === "leased" ? `${recipient} works on it already` : `queued for ${recipient}`;
    process.stdout.write(`Entry ${id}: ${now}.\n`);
    return exitCodes.ok;
  });
}

function parseRecipient(text: string): Address {
  const { success, data, error } = Address.safeParse(text);
  if (success) return data;
  throw new Refusal(
    "bad_name",
    `"${text}" is nobody's address: ${error.issues[0]?.message}.`,
    "Name an agent, or operator.",
  );
}

/** Dead letters first, as only those need somebody; then what is in a turn, then what is queued. */
export function waitingText({ entries, counts }: Waiting): string {
  const of = (state: InboxEntry["state"]) => entries.filter(({ entry }) => entry.state === state);
  const rows = [...of("dead"), ...of("leased"), ...of("queued")];
  if (rows.length === 0) return "Nothing waits.\n";
  const total = `${counts.dead} dead, ${counts.leased} in a turn, ${counts.queued} queued in all.`;
  const next = of("dead").length > 0 ? " `hive retry ENTRY` queues a dead one again." : "";
  const head = ["entry", "state", "since", "from", "to", "failed", "text"];
  return `${columns([head, ...rows.map(rowOf)]).join("\n")}\n\n${total}${next}\n`;
}

const rowOf = ({ entry, from, beginning }: WaitingEntry) => [
  String(entry.id),
  entry.state === "leased" ? "in a turn" : entry.state,
  since(entry),
  from,
  entry.recipient,
  String(entry.failures),
  [oneLine(beginning, shownCharacters), entry.problem && `(${oneLine(entry.problem, shownCharacters)})`]
    .filter(Boolean)
    .join(" "),
];

const shownCharacters = 60;

/** Since when it is in its state. */
const since = ({ state, queuedAt, leasedAt, settledAt }: InboxEntry) =>
  timeText((state === "leased" ? leasedAt : settledAt) ?? queuedAt);
