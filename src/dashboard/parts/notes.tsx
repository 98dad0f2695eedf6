import type { HiveState } from "../../contract/fold.ts";
import { Ago } from "./ago.tsx";
import { shown } from "./shown.ts";

const shownNotes = 12;

/** What was done with the operator's authority, or to the hive as a whole; newest first. */
export const Notes = ({ notes }: { notes: HiveState["notes"] }) => (
  <ol class="notes card rows">
    {notes
      .slice(-shownNotes)
      .toReversed()
      .map(({ sequence, at, text }) => (
        <li key={sequence} class="row">
          <span class="row-text" dir="auto">
            {shown(text)}
          </span>
          <span class="when">
            <Ago at={at} />
          </span>
        </li>
      ))}
  </ol>
);
