/** One turn: what is known of it, its messages with what became of them, and what the agent did, live while it runs. */
import type { HiveState } from "../../contract/fold.ts";
import { isOwnTurn, type TurnMessage, type TurnRecord } from "../../contract/turn.ts";
import type { LogEntry, TurnLog } from "../../contract/turn-log.ts";
import { Ago, Since } from "../parts/ago.tsx";
import { Chip } from "../parts/chip.tsx";
import { Deliveries } from "../parts/deliveries.tsx";
import { LongText } from "../parts/long-text.tsx";
import { Section } from "../parts/section.tsx";
import { shown } from "../parts/shown.ts";
import { contextText, costText, tokensText, turnTook, turnWord } from "../parts/turn-words.ts";
import { entryWord, personText } from "../parts/words.ts";
import type { Place } from "../place.ts";
import { agentPath } from "../place.ts";

type Props = { place: Place & { kind: "turn" }; hive: HiveState; record: TurnRecord | null };

export function TurnPage({ place, hive, record }: Props) {
  const turn = hive.turns.find(({ id }) => id === place.turn) ?? record?.turn;
  return (
    <>
      <nav aria-label="Back">
        <a href={agentPath(place.agent)}>All turns of {place.agent}</a>
      </nav>
      {turn && (
        <article class="card turn" aria-labelledby="turn-title">
          <div class="card-head">
            <h2 id="turn-title">A turn of {turn.agent}</h2>
            <Chip tone={turnWord(turn).tone}>
              {turnWord(turn).text} {turn.endedAt === null && <Since at={turn.startedAt} />}
            </Chip>
          </div>
          {turn.problem && <p class="turn-problem">{shown(turn.problem)}</p>}
          <Facts turn={turn} />
        </article>
      )}
      {record && (
        <>
          <Section id="turn-messages" title="Messages" empty={record.messages.length === 0 && "It held none."}>
            <ol class="card messages">
              {record.messages.map((message) => (
                <MessageRow key={message.entry} message={message} hive={hive} />
              ))}
            </ol>
          </Section>
          <Log log={record.log} isOver={record.turn.endedAt !== null} />
        </>
      )}
    </>
  );
}

function Facts({ turn }: { turn: TurnRecord["turn"] }) {
  const { trigger, evidence, usage, session } = turn;
  const facts: [string, string | null][] = [
    ["Begun by", trigger ? `${trigger.from}, message ${trigger.message}` : isOwnTurn(turn) ? "itself" : null],
    ["Took", turnTook(turn)],
    ["Evidence", evidence && `${evidence.outputs} outputs of the model`],
    ["Tokens", tokensText(turn)],
    ["Cost", costText(turn)],
    ["Context", contextText(turn)],
    ["Model", usage.model],
    ["Session", session],
  ];
  return (
    <dl class="facts">
      <dt>Began</dt>
      <dd>
        <Ago at={turn.startedAt} />, {new Date(turn.startedAt).toLocaleString()}
      </dd>
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <>
              <dt>{name}</dt>
              <dd>{shown(value)}</dd>
            </>
          ),
      )}
      <dt>Id</dt>
      <dd class="id">{turn.id}</dd>
    </dl>
  );
}

/** The delivery as the events told it last, else as it was when the record was read. */
function MessageRow({ message, hive }: { message: TurnMessage; hive: HiveState }) {
  const { entry, from, isTrigger, became, now } = message;
  const delivery = hive.entries.find(({ id }) => id === entry) ?? now?.delivery;
  const word = entryWord({ state: became, recipient: delivery?.recipient ?? "system" });
  return (
    <li class="message">
      <p class="route">
        <b>{personText(from)}</b>
        <span class="id">{message.message}</span>
        <span class="row-note">{isTrigger ? "began the turn" : "was fetched in it"}</span>
        {became !== "leased" && <Chip tone={word.tone}>{word.text} by it</Chip>}
      </p>
      {now ? <LongText text={now.beginning} /> : <p class="empty">The message is not kept any more.</p>}
      {delivery && <Deliveries entries={[delivery]} />}
    </li>
  );
}

function Log({ log, isOver }: { log: TurnLog | null; isOver: boolean }) {
  const none = isOver ? "No log is kept of this turn." : "Nothing yet. What the agent does appears here as it does it.";
  return (
    <Section id="turn-log" title="What it did" empty={!log?.entries.length && none}>
      {log && log.dropped > 0 && (
        <p class="meta">
          {log.dropped} earlier {log.dropped === 1 ? "entry is" : "entries are"} not kept.
        </p>
      )}
      <div role="log" aria-label="What the agent did">
        <ol class="card turn-log">
          {log?.entries.map((entry, index) => (
            <LogRow key={log.dropped + index} entry={entry} />
          ))}
        </ol>
      </div>
    </Section>
  );
}

const LogRow = ({ entry: { at, event } }: { entry: LogEntry }) => (
  <li class={`log-entry ${event.kind}`}>
    <time dateTime={new Date(at).toISOString()}>{new Date(at).toLocaleTimeString()}</time>
    {event.kind === "tool" ? (
      <span>
        <span class="tag">{shown(event.status.replaceAll("_", " ")) || "tool"}</span>{" "}
        <code>{shown(event.title || event.id)}</code>
      </span>
    ) : (
      <span class="words" dir="auto">
        {event.kind === "thought" && <span class="tag">thinks</span>}
        {shown(event.text.trim())}
      </span>
    )}
  </li>
);
