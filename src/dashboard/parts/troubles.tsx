import type { ComponentChildren } from "preact";
import type { ForgeHealth, WorkTrouble } from "../../contract/facts.ts";
import type { Pair } from "../../contract/pair.ts";
import { liftPairRest } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";
import { Until } from "./ago.tsx";
import { AlertIcon } from "./icons.tsx";
import { shown } from "./shown.ts";
import { workText } from "./words.ts";

const shownAtOnce = 3;

type Props = { forge: ForgeHealth | null; troubles: readonly WorkTrouble[]; restingPairs: readonly Pair[] };

/** What goes wrong just now outside of any one agent: the forge, agents in a loop, and work that fails; given up first. */
export function Troubles({ forge, troubles, restingPairs }: Props) {
  if (!forge?.problem && !forge?.hookProblem && troubles.length === 0 && restingPairs.length === 0) return null;
  const sorted = troubles.toSorted((a, b) => Number(a.state === "pending") - Number(b.state === "pending"));
  const rest = sorted.slice(shownAtOnce);
  return (
    <section class="troubles" aria-label="Troubles">
      <ul>
        {forge?.problem && (
          <Trouble tone="bad" title="The forge has a problem">
            {shown(forge.problem)}
          </Trouble>
        )}
        {forge?.hookProblem && (
          <Trouble tone="warn" title="The forge's webhooks do not come">
            {shown(forge.hookProblem)}
          </Trouble>
        )}
        {restingPairs.map((pair) => (
          <PairRow key={`${pair.one} ${pair.other}`} pair={pair} />
        ))}
        {sorted.slice(0, shownAtOnce).map((work) => (
          <WorkRow key={work.id} work={work} />
        ))}
      </ul>
      {rest.length > 0 && (
        <details>
          <summary>{rest.length} more</summary>
          <ul>
            {rest.map((work) => (
              <WorkRow key={work.id} work={work} />
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

type TroubleProps = { tone: "bad" | "warn"; title: string; children: ComponentChildren };

const Trouble = ({ tone, title, children }: TroubleProps) => (
  <li class={`trouble ${tone}`}>
    <AlertIcon />
    <p>
      <strong>{title}.</strong> {children}
    </p>
  </li>
);

const PairRow = ({ pair }: { pair: Pair }) => (
  <Trouble tone="warn" title={`${pair.one} and ${pair.other} have written to each other too often`}>
    It may be a loop: neither reaches the other
    {pair.restsUntil !== null && (
      <>
        {" "}
        for now, and again <Until at={pair.restsUntil} />
      </>
    )}
    . <ActionButton text="Let them write again" act={() => liftPairRest(pair)} />
  </Trouble>
);

const WorkRow = ({ work }: { work: WorkTrouble }) => (
  <Trouble
    tone={work.state === "failed" ? "bad" : "warn"}
    title={`${shown(workText(work))} ${work.state === "failed" ? "was given up" : "fails"}`}
  >
    {shown(work.lastError)}
    <span class="meta">
      {" "}
      {work.attempts} {work.attempts === 1 ? "attempt" : "attempts"}
      {work.state === "pending" && (
        <>
          , next <Until at={work.dueAt} />
        </>
      )}
    </span>
  </Trouble>
);
