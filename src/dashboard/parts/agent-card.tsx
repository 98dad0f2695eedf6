import type { Agent } from "../../contract/agent.ts";
import type { InboxEntry } from "../../contract/message.ts";
import type { ThreadPage } from "../../contract/thread.ts";
import type { Turn } from "../../contract/turn.ts";
import { cancelQueued, unparkAgent } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";
import { Since, Until } from "./ago.tsx";
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
        <h3 id={id}>{agent.name}</h3>
        {agent.role === "manager" && <Tag>manager</Tag>}
        <Chip tone={tone}>
          {text} <Since at={agent.since} />
        </Chip>
      </div>
      {agent.problem && <Why text={agent.problem} tone={tone} />}
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
