import type { Turn } from "../../contract/turn.ts";
import { turnPath } from "../place.ts";
import { Ago, Since } from "./ago.tsx";
import { shown } from "./shown.ts";
import { spanText } from "./time-text.ts";
import { outcomeText, outcomeTone } from "./words.ts";

const drawnTurns = 16;

/** The turn that runs, or how the newest one ended. */
export function LastTurn({ turns }: { turns: readonly Turn[] }) {
  const turn = turns.at(-1);
  if (!turn) return <>none yet</>;
  if (turn.endedAt === null || turn.outcome === null)
    return (
      <>
        <a href={turnPath(turn.agent, turn.id)}>running</a> for <Since at={turn.startedAt} />
      </>
    );
  return (
    <>
      <a class={`outcome ${outcomeTone(turn.outcome)}`} href={turnPath(turn.agent, turn.id)}>
        {outcomeText(turn.outcome)}
      </a>{" "}
      after {spanText(turn.endedAt - turn.startedAt)}, <Ago at={turn.endedAt} />
      {turn.problem && <span class="turn-problem">{shown(turn.problem)}</span>}
    </>
  );
}

/** How the newest turns ended, a mark each, oldest first. */
export function TurnHistory({ turns }: { turns: readonly Turn[] }) {
  const ended = turns.flatMap(({ id, outcome }) => (outcome ? [{ id, outcome }] : [])).slice(-drawnTurns);
  if (ended.length === 0) return <span />;
  return (
    <p class="history">
      <span class="unseen">{historyText(ended.map(({ outcome }) => outcome))}</span>
      {ended.map(({ id, outcome }) => (
        <span key={id} class={`turn-mark ${outcomeTone(outcome)}`} title={outcomeText(outcome)} aria-hidden="true" />
      ))}
    </p>
  );
}

function historyText(outcomes: NonNullable<Turn["outcome"]>[]): string {
  const counts = Map.groupBy(outcomes, (outcome) => outcomeText(outcome));
  return `The last ${outcomes.length} turns that ended: ${[...counts].map(([text, all]) => `${all.length} ${text}`).join(", ")}.`;
}
