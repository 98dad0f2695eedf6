/** The front page: what needs the operator first, then the agents, what they write, and what is open. */
import type { Agent } from "../../contract/agent.ts";
import { openApprovalStates } from "../../contract/approval.ts";
import type { HiveState } from "../../contract/fold.ts";
import { attentionOf } from "../attention.ts";
import { AgentCard } from "../parts/agent-card.tsx";
import { ApprovalCard, ApprovalRow } from "../parts/approval-card.tsx";
import { Messages } from "../parts/messages.tsx";
import { Notes } from "../parts/notes.tsx";
import { OpenThreads } from "../parts/open-threads.tsx";
import { QuestionCard, QuestionRow } from "../parts/question-card.tsx";
import { Section } from "../parts/section.tsx";
import { Troubles } from "../parts/troubles.tsx";
import { Vitals } from "../parts/vitals.tsx";

export const Front = ({ hive }: { hive: HiveState }) => (
  <>
    <Troubles forge={hive.forge} troubles={hive.troubles} restingPairs={hive.restingPairs} />
    <Vitals hive={hive} />
    <div class="columns">
      <div class="column">
        <NeedsYou hive={hive} />
        <Approvals hive={hive} />
        <Agents hive={hive} />
        <Messages messages={hive.messages} entries={hive.entries} />
      </div>
      <div class="column">
        <Threads hive={hive} />
        <Questions hive={hive} />
        <Section
          id="notes"
          title="Log"
          empty={hive.notes.length === 0 && "What is done with your authority is noted here."}
        >
          <Notes notes={hive.notes} />
        </Section>
      </div>
    </div>
  </>
);

function NeedsYou({ hive }: { hive: HiveState }) {
  const { approvals, questions } = attentionOf(hive);
  const count = approvals.length + questions.length;
  return (
    <Section
      id="needs-you"
      title="Needs you"
      count={count}
      empty={count === 0 && "Nothing waits for you. Approvals and questions appear here by themselves."}
    >
      <div class="stack">
        {approvals.map((approval) => (
          <ApprovalCard key={approval.number} approval={approval} isUrgent={true} />
        ))}
        {questions.map((question) => (
          <QuestionCard key={question.id} question={question} />
        ))}
      </div>
    </Section>
  );
}

/** Approvals that are on their way without the operator, and those whose course has ended. */
function Approvals({ hive }: { hive: HiveState }) {
  const urgent = new Set(attentionOf(hive).approvals);
  const others = hive.approvals.filter((approval) => !urgent.has(approval)).toReversed();
  const open = others.filter(({ state }) => openApprovalStates.has(state));
  const ended = others.filter(({ state }) => !openApprovalStates.has(state));
  if (others.length === 0) return null;
  return (
    <Section id="approvals" title="Approvals" count={open.length}>
      <div class="stack">
        {open.map((approval) => (
          <ApprovalCard key={approval.number} approval={approval} isUrgent={false} />
        ))}
        {ended.length > 0 && (
          <details class="card ended" open={ended.length <= 3}>
            <summary>{ended.length === 1 ? "One has ended" : `${ended.length} have ended`}</summary>
            <ul class="rows">
              {ended.map((approval) => (
                <ApprovalRow key={approval.number} approval={approval} />
              ))}
            </ul>
          </details>
        )}
      </div>
    </Section>
  );
}

function Agents({ hive }: { hive: HiveState }) {
  const turns = Map.groupBy(hive.turns, ({ agent }) => agent);
  const entries = Map.groupBy(hive.entries, ({ recipient }) => recipient);
  return (
    <Section
      id="agents"
      title="Agents"
      count={hive.agents.length}
      empty={hive.agents.length === 0 && "No agents yet. The manager appears here as soon as the forge is set up."}
    >
      <div class="agents-grid">
        {managersFirst(hive.agents).map((agent) => (
          <AgentCard
            key={agent.name}
            agent={agent}
            turns={turns.get(agent.name) ?? []}
            entries={entries.get(agent.name) ?? []}
            threads={hive.threads[agent.name]}
            forgeUrl={hive.forge?.url}
          />
        ))}
      </div>
    </Section>
  );
}

const Threads = ({ hive }: { hive: HiveState }) => (
  <Section
    id="threads"
    title="Open threads"
    empty={
      Object.values(hive.threads).every(({ threads }) => threads.length === 0) &&
      "Nothing is open. Approvals, questions and pull requests stand here per agent until they are settled."
    }
  >
    <OpenThreads agents={managersFirst(hive.agents)} threads={hive.threads} />
  </Section>
);

function Questions({ hive }: { hive: HiveState }) {
  const others = hive.questions
    .filter(({ state, target }) => !(state === "open" && target === "operator"))
    .toReversed();
  const open = others.filter(({ state }) => state !== "closed");
  return (
    <Section
      id="questions"
      title="Questions"
      count={open.length}
      empty={others.length === 0 && "Questions between agents, and those that were answered, are listed here."}
    >
      <ul class="card rows">
        {[...open, ...others.filter(({ state }) => state === "closed")].slice(0, 10).map((question) => (
          <QuestionRow key={question.id} question={question} />
        ))}
      </ul>
    </Section>
  );
}

const managersFirst = (agents: readonly Agent[]) =>
  agents.toSorted((a, b) => Number(b.role === "manager") - Number(a.role === "manager"));
