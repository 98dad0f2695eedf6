import type { InboxEntry } from "../../contract/message.ts";
import type { EpochMs } from "../../contract/names.ts";
import { cancelEntry, markRead, retryEntry } from "../calls.ts";
import { turnPath } from "../place.ts";
import { ActionButton } from "./action-button.tsx";
import { Ago, Until } from "./ago.tsx";
import { Chip } from "./chip.tsx";
import { shown } from "./shown.ts";
import { entryWord } from "./words.ts";

/** Up to so many recipients are all shown; of more, how many are in each state. */
const allShown = 3;

/** What became of a message at each of its recipients. */
export function Deliveries({ entries }: { entries: readonly InboxEntry[] }) {
  if (entries.length === 0) return null;
  if (entries.length <= allShown) return <DeliveryList entries={entries} isNamed={entries.length > 1} />;
  const states = Map.groupBy(entries, (entry) => entryWord(entry).text);
  return (
    <details class="deliveries-of-many">
      <summary>
        {[...states].map(([text, all]) => (
          <Chip key={text} tone={all[0] ? entryWord(all[0]).tone : "quiet"}>
            {all.length} {text}
          </Chip>
        ))}
      </summary>
      <DeliveryList entries={entries} isNamed={true} />
    </details>
  );
}

const DeliveryList = ({ entries, isNamed }: { entries: readonly InboxEntry[]; isNamed: boolean }) => (
  <ul class="deliveries" aria-label="Delivery">
    {entries.map((entry) => (
      <li key={entry.id}>
        {isNamed && <span class="recipient">{entry.recipient}</span>}
        <Chip tone={entryWord(entry).tone}>{entryWord(entry).text}</Chip>
        <Progress entry={entry} />
        <Actions entry={entry} />
      </li>
    ))}
  </ul>
);

/** Every state that it was in, each with its time; which attempt it is, and what went wrong before. */
function Progress({ entry }: { entry: InboxEntry }) {
  const isHeldBack = entry.state === "queued" && entry.failures > 0;
  return (
    <span class="progress">
      {timesOf(entry).map(({ word, at }) => (
        <span key={word}>
          {word}
          <Ago at={at} />
        </span>
      ))}
      {entry.turn && entry.recipient !== "operator" && <a href={turnPath(entry.recipient, entry.turn)}>its turn</a>}
      {entry.attempt > 1 && <span>attempt {entry.attempt}</span>}
      {entry.failures > 0 && (
        <span>
          {entry.failures} failed {entry.failures === 1 ? "turn" : "turns"}
        </span>
      )}
      {isHeldBack && (
        <span>
          next <Until at={entry.notBefore} />
        </span>
      )}
      {entry.problem && <span class="turn-problem">{shown(entry.problem)}</span>}
    </span>
  );
}

/** What the operator can do about an entry; what a turn has, or has dealt with, is left alone. */
function Actions({ entry: { id, state, recipient } }: { entry: InboxEntry }) {
  if (recipient === "operator")
    return state === "queued" ? <ActionButton text="Mark read" act={() => markRead([id])} /> : null;
  return (
    <>
      {(state === "dead" || state === "cancelled") && (
        <ActionButton text="Try again" label={`Deliver it to ${recipient} once more`} act={() => retryEntry(id)} />
      )}
      {(state === "dead" || state === "queued") && (
        <ActionButton text="Cancel" label={`Do not deliver it to ${recipient}`} act={() => cancelEntry(id)} />
      )}
    </>
  );
}

/** The course of this attempt, newest first; its state now is told already, and what came before by the number of attempts. */
function timesOf({ queuedAt, leasedAt, settledAt }: InboxEntry): { word: string; at: EpochMs }[] {
  const times = [
    ...(settledAt === null ? [] : [{ word: "settled", at: settledAt }]),
    ...(leasedAt === null ? [] : [{ word: "in a turn", at: leasedAt }]),
    { word: "queued", at: queuedAt },
  ];
  return times.map(({ word, at }, index) => ({ word: index === 0 ? "" : `${word} `, at }));
}
