/** An agent's page: the agent as on the front page, its turns, and its versions, newest first. */
import type { HiveState } from "../../contract/fold.ts";
import { type AgentName, shortTurnId, type TurnId } from "../../contract/names.ts";
import { isOwnTurn, type Turn } from "../../contract/turn.ts";
import { ActionButton } from "../parts/action-button.tsx";
import { AgentCard } from "../parts/agent-card.tsx";
import { AgentLogin } from "../parts/agent-login.tsx";
import { Ago } from "../parts/ago.tsx";
import { Chip } from "../parts/chip.tsx";
import { Section } from "../parts/section.tsx";
import { shown } from "../parts/shown.ts";
import { costText, tokensText, turnTook, turnWord } from "../parts/turn-words.ts";
import { Versions } from "../parts/versions.tsx";
import { turnPath } from "../place.ts";
import type { View } from "../store.ts";

type Props = {
  agent: AgentName;
  hive: HiveState;
  turns: View["turns"];
  versions: View["versions"];
  showOlder: (before: TurnId) => Promise<void>;
};

export function AgentPage({ agent: name, hive, turns, versions, showOlder }: Props) {
  const agent = hive.agents.find((row) => row.name === name);
  const listed = newestFirst(
    hive.turns.filter((turn) => turn.agent === name),
    turns?.turns ?? [],
  );
  const oldest = listed.at(-1);
  return (
    <>
      <BackLink />
      {agent && (
        <AgentCard
          agent={agent}
          turns={listed.toReversed()}
          entries={hive.entries.filter(({ recipient }) => recipient === name)}
          threads={hive.threads[name]}
          forgeUrl={hive.forge?.url}
        />
      )}
      {agent && <AgentLogin agent={agent} />}
      <Section
        id="turns"
        title={`Turns of ${name}`}
        empty={turns !== null && listed.length === 0 && "None yet. Each turn appears here when it begins."}
      >
        <ol class="card rows turn-list">
          {listed.map((turn) => (
            <TurnRow key={turn.id} turn={turn} />
          ))}
        </ol>
        {turns?.more && oldest && (
          <p class="more">
            <ActionButton text="Show older ones" act={() => showOlder(oldest.id)} />
          </p>
        )}
      </Section>
      {agent && <Versions agent={agent} page={versions} />}
    </>
  );
}

const BackLink = () => (
  <nav aria-label="Back">
    <a href="/">The whole hive</a>
  </nav>
);

/** Both lists as one; what the events told last is right. */
function newestFirst(live: readonly Turn[], loaded: readonly Turn[]): Turn[] {
  const all = new Map([...loaded, ...live].map((turn) => [turn.id, turn]));
  return [...all.values()].sort((a, b) => b.startedAt - a.startedAt || (a.id < b.id ? 1 : -1));
}

const TurnRow = ({ turn }: { turn: Turn }) => (
  <li class="row">
    <a class="turn-link" href={turnPath(turn.agent, turn.id)}>
      <Chip tone={turnWord(turn).tone}>{turnWord(turn).text}</Chip>
      <span>
        <Ago at={turn.startedAt} />
        {turnTook(turn) && `, took ${turnTook(turn)}`}
      </span>
    </a>
    <span class="row-note">
      {[
        turn.trigger && `begun by ${turn.trigger.from}`,
        isOwnTurn(turn) && "begun by itself",
        `${turn.messages} ${turn.messages === 1 ? "message" : "messages"}`,
        tokensText(turn),
        costText(turn),
      ]
        .filter(Boolean)
        .join(", ")}
    </span>
    <span class="id">{shortTurnId(turn.id)}</span>
    {turn.problem && <span class="turn-problem row-note below">{shown(turn.problem)}</span>}
  </li>
);
