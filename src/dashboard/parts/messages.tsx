/** The flow of messages, newest first, each with what became of it at every recipient. */
import { useState } from "preact/hooks";
import type { InboxEntry, Message } from "../../contract/message.ts";
import { markRead } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";
import { Ago } from "./ago.tsx";
import { Deliveries } from "./deliveries.tsx";
import { ArrowIcon } from "./icons.tsx";
import { LongText } from "./long-text.tsx";
import { Section } from "./section.tsx";
import { personText } from "./words.ts";

const shownAtFirst = 20;

const filters = [
  { name: "All", keeps: () => true },
  { name: "To you", keeps: (entry: InboxEntry) => entry.recipient === "operator" },
  { name: "Waiting", keeps: ({ state, recipient }: InboxEntry) => state === "queued" && recipient !== "operator" },
  { name: "Dead", keeps: ({ state }: InboxEntry) => state === "dead" },
];

type Props = { messages: readonly Message[]; entries: readonly InboxEntry[] };

export function Messages({ messages, entries }: Props) {
  const [filter, setFilter] = useState(0);
  const [limit, setLimit] = useState(shownAtFirst);
  const entriesOf = Map.groupBy(entries, ({ message }) => message);
  const keeps = filters[filter]?.keeps ?? (() => true);
  const kept = messages.filter(({ id }) => filter === 0 || entriesOf.get(id)?.some(keeps)).toReversed();
  return (
    <Section
      id="messages"
      title="Messages"
      aside={
        messages.length > 0 && (
          <>
            <MarkAllRead entries={entries} />
            <Filters entries={entries} chosen={filter} choose={setFilter} />
          </>
        )
      }
      empty={
        messages.length === 0 &&
        "No messages yet. What agents write to each other and to you appears here, with what became of it."
      }
    >
      {kept.length === 0 && <p class="empty">None of the newest messages is of this kind.</p>}
      <ol class="messages card">
        {kept.slice(0, limit).map((message) => (
          <MessageRow key={message.id} message={message} entries={entriesOf.get(message.id) ?? []} />
        ))}
      </ol>
      {kept.length > limit && (
        <button type="button" class="quiet-button more" onClick={() => setLimit(limit + 40)}>
          Show older ones ({kept.length - limit})
        </button>
      )}
    </Section>
  );
}

/** Only what is on the page: what comes meanwhile has not been seen. */
function MarkAllRead({ entries }: { entries: readonly InboxEntry[] }) {
  const unread = entries.filter(({ recipient, state }) => recipient === "operator" && state === "queued");
  if (unread.length < 2) return null;
  return <ActionButton text={`Mark all ${unread.length} read`} act={() => markRead(unread.map(({ id }) => id))} />;
}

type FiltersProps = { entries: readonly InboxEntry[]; chosen: number; choose: (filter: number) => void };

const Filters = ({ entries, chosen, choose }: FiltersProps) => (
  <fieldset class="filters">
    <legend class="unseen">Which messages</legend>
    {filters.map(({ name, keeps }, index) => {
      const count = index === 0 ? 0 : entries.filter(keeps).length;
      return (
        <label key={name}>
          <input type="radio" name="filter" checked={index === chosen} onChange={() => choose(index)} />
          <span>
            {name}
            {count > 0 && ` ${count}`}
          </span>
        </label>
      );
    })}
  </fieldset>
);

const MessageRow = ({ message, entries }: { message: Message; entries: readonly InboxEntry[] }) => (
  <li class="message" id={`message-${message.id}`}>
    <p class="route">
      <b>{personText(message.from)}</b> <ArrowIcon />
      <span class="unseen">to</span> <b>{message.to === "*" ? "everyone" : personText(message.to)}</b>
      <span class="id">
        {message.id}
        {message.inReplyTo !== null && `, answers ${message.inReplyTo}`}
      </span>
      <span class="when">
        <Ago at={message.sentAt} />
      </span>
    </p>
    <LongText text={message.body} />
    <Deliveries entries={entries} />
  </li>
);
