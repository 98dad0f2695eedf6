import { useState } from "preact/hooks";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { shown } from "./shown.ts";

type Props = {
  /** what it does, in a word or two */
  text: string;
  /** for who can't see what it stands beside */
  label?: string;
  /** asked before it is done, where it can't be undone */
  question?: string;
  act: () => Promise<unknown>;
};

type State = { kind: "ready" } | { kind: "asking" } | { kind: "busy" } | { kind: "failed"; problem: string };

/** A button that has hived do something. What it changes comes back as an event; here is only said why it was not done. */
export function ActionButton({ text, label, question, act }: Props) {
  const [state, setState] = useState<State>({ kind: "ready" });
  const isAsking = state.kind === "asking";
  const press = async () => {
    if (question !== undefined && !isAsking) return setState({ kind: "asking" });
    setState({ kind: "busy" });
    try {
      await act();
      setState({ kind: "ready" });
    } catch (error) {
      if (!(error instanceof Refusal) && !(error instanceof Fault)) throw error;
      const problem = error instanceof Refusal ? `${error.message} ${error.next}` : error.message;
      setState({ kind: "failed", problem });
    }
  };
  return (
    <>
      <button
        type="button"
        class="quiet-button"
        aria-label={isAsking ? undefined : label}
        disabled={state.kind === "busy"}
        onClick={() => void press()}
        onBlur={() => isAsking && setState({ kind: "ready" })}
      >
        {isAsking ? question : text}
      </button>
      {state.kind === "failed" && (
        <span class="turn-problem" role="alert">
          {shown(state.problem)}
        </span>
      )}
    </>
  );
}
