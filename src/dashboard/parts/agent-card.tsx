import { type Agent, isUp } from "../../contract/agent.ts";
import type { InboxEntry } from "../../contract/message.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import type { Turn } from "../../contract/turn.ts";
import { cancelQueued, revertAgent, sendCanary, unparkAgent } from "../calls.ts";
import { agentPath } from "../place.ts";
import { ActionButton } from "./action-button.tsx";
import { AgentControls } from "./agent-controls.tsx";
import { Ago, Since, Until } from "./ago.tsx";
import { Problem } from "./approval-card.tsx";
import { Chip, Tag } from "./chip.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { shown } from "./shown.ts";
import { LastTurn, TurnHistory } from "./turns.tsx";
import { agentWords, type Tone } from "./words.ts";

type Props = {
  agent: Agent;
  /** its newest turns, oldest first */
  turns: readonly Turn[];
  /** its inbox entries of the messages that the page knows */
  entries: readonly InboxEntry[];
  threads: ThreadPage | undefined;
  forgeUrl: string | undefined;
};

/** An agent: what it does now, and what lies before it. */
export function AgentCard({ agent, turns, entries, threads, forgeUrl }: Props) {
  const { text, tone } = agentWords[agent.state];
  const id = `agent-${agent.name}`;
  return (
    <article class={`card agent ${tone}`} aria-labelledby={id}>
      <div class="card-head">
        <h3 id={id}>
          <a href={agentPath(agent.name)}>{agent.name}</a>
        </h3>
        {agent.role === "manager" && <Tag>manager</Tag>}
        <Chip tone={tone}>
          {text} <Since at={agent.since} />
        </Chip>
      </div>
      {agent.problem && <Why text={agent.problem} tone={tone} />}
      {agent.difference && <Difference name={agent.name} text={agent.difference} />}
      <AgentTroubles agent={agent} />
      {agent.state === "parked" && (
        <p class="meta">
          {agent.retryAt !== null && (
            <>
              It goes on <Until at={agent.retryAt} />.{" "}
            </>
          )}
          <ActionButton text="Let it go on now" act={() => unparkAgent(agent.name)} />
        </p>
      )}
      <AgentControls agent={agent} />
      <dl class="facts">
        <dt>Inbox</dt>
        <dd>
          {inboxText(entries)} <CancelQueued agent={agent.name} entries={entries} />
        </dd>
        <dt>Open</dt>
        <dd>{threads ? threadsText(threads) : "nothing"}</dd>
        <dt>Last turn</dt>
        <dd>
          <LastTurn turns={turns} />
        </dd>
        <dt>Loop</dt>
        <dd>
          <Loop agent={agent} />
        </dd>
        <dt>Version</dt>
        <dd>
          <Version agent={agent} />
        </dd>
      </dl>
      <div class="card-foot">
        <TurnHistory turns={turns} />
        {forgeUrl && <AgentLinks name={agent.name} forgeUrl={forgeUrl} />}
      </div>
    </article>
  );
}

/** main wants what could not be started: it stays so until somebody mends it there, or this is pressed. */
const Difference = ({ name, text }: { name: Agent["name"]; text: string }) => (
  <>
    <Problem text={text} />
    <p class="meta">
      <ActionButton
        text="Revert main"
        label={`Put ${name} on main back to the version that runs`}
        question="Put main back?"
        act={() => revertAgent(name)}
      />
    </p>
  </>
);

/** What somebody should see of an agent besides its state. */
function AgentTroubles({ agent: { name, deadLetters, failedTurns, lostWakes, lostWakeAt } }: { agent: Agent }) {
  if (deadLetters === 0 && failedTurns === 0 && lostWakeAt === null) return null;
  return (
    <ul class="agent-troubles" aria-label={`Troubles of ${name}`}>
      {deadLetters > 0 && (
        <li class="bad">
          <a href="/#messages">{deadLetters === 1 ? "A dead letter" : `${deadLetters} dead letters`}</a> to it
        </li>
      )}
      {failedTurns > 0 && (
        <li class="bad">
          <a href={agentPath(name)}>
            {failedTurns === 1 ? "Its last turn failed" : `Its last ${failedTurns} turns failed`}
          </a>
        </li>
      )}
      {lostWakeAt !== null && (
        <li class="warn">
          It did not wake up {lostWakes === 1 ? "once" : `${lostWakes} times`}, the last time <Ago at={lostWakeAt} />,
          and was helped
        </li>
      )}
    </ul>
  );
}

/** Whether its loop answers, as the newest canary found. */
function Loop({ agent }: { agent: Agent }) {
  const { name, canary } = agent;
  const canTry = isUp(agent) && canary?.state !== "waiting";
  return (
    <>
      {canary === null && "not tried yet "}
      {canary?.state === "waiting" && "is being tried "}
      {canary?.state === "well" && (
        <>
          answered in {Math.ceil(canary.hops.answered ?? 0)} ms, <Ago at={canary.sentAt} />{" "}
        </>
      )}
      {canary?.state === "failed" && (
        <span class="turn-problem">
          {shown(canary.problem ?? "It did not answer.")} <Ago at={canary.sentAt} />
        </span>
      )}
      {canTry && <ActionButton text="Try it" label={`Try whether ${name} wakes up`} act={() => sendCanary(name)} />}
    </>
  );
}

function CancelQueued({ agent, entries }: { agent: Agent["name"]; entries: readonly InboxEntry[] }) {
  if (entries.filter(({ state }) => state === "queued").length < 2) return null;
  const question = `Cancel all that waits for ${agent}?`;
  return <ActionButton text="Cancel all queued" question={question} act={() => cancelQueued(agent)} />;
}

/** Why an agent is in its state: a problem, or what it is doing. */
const Why = ({ text, tone }: { text: string; tone: Tone }) =>
  tone === "bad" || tone === "warn" ? <Problem text={text} tone={tone} /> : <p class="doing">{shown(text)}</p>;

const AgentLinks = ({ name, forgeUrl }: { name: string; forgeUrl: string }) => (
  <p class="links">
    <OutsideLink href={`${forgeUrl.replace(/\/$/, "")}/${name}`}>Forge</OutsideLink>
    <OutsideLink href={`${forgeUrl.replace(/\/$/, "")}/hive/agents/src/branch/main/agents/${name}`}>Config</OutsideLink>
  </p>
);

/** Which version runs, and whether that is the wanted one. */
function Version({ agent }: { agent: Agent }) {
  const { runningTree, wantedTree, deployment, runtime, wish, state } = agent;
  const isBehind = wish === "running" && wantedTree !== null && runningTree !== wantedTree;
  return (
    <>
      {runningTree ? <code>{runningTree.slice(0, 8)}</code> : "none yet"}
      {deployment !== null && `, deployment ${deployment}`}
      {runtime && `, in ${runtime}`}
      {isBehind && (
        <span class="behind">
          {" "}
          wanted: <code>{wantedTree.slice(0, 8)}</code>
        </span>
      )}
      {wish !== "running" && state !== "stopped" && <span class="behind"> wanted: {wish}</span>}
    </>
  );
}

export function inboxText(entries: readonly InboxEntry[]): string {
  const count = (state: InboxEntry["state"]) => entries.filter((entry) => entry.state === state).length;
  const parts = [
    { n: count("queued"), word: "queued" },
    { n: count("leased"), word: "in a turn" },
    { n: count("dead"), word: "dead" },
  ].filter(({ n }) => n > 0);
  return parts.length === 0 ? "empty" : parts.map(({ n, word }) => `${n} ${word}`).join(", ");
}

export function threadsText({ totals }: ThreadPage): string {
  const parts = [
    { n: totals.approval, one: "approval", many: "approvals" },
    { n: totals.question, one: "question", many: "questions" },
    { n: totals.pr, one: "pull request", many: "pull requests" },
  ].filter(({ n }) => n > 0);
  return parts.length === 0
    ? "nothing"
    : parts.map(({ n, one, many }) => `${n}\u00a0${n === 1 ? one : many}`).join(", ");
}
