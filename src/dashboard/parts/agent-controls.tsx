/** What the operator does to an agent at once: its turn while there is one, its conversation between turns. */
import { useState } from "preact/hooks";
import { type Agent, isUp } from "../../contract/agent.ts";
import { cancelTurn, changeConversation } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";

export function AgentControls({ agent }: { agent: Agent }) {
  const { name, turn } = agent;
  if (turn !== null)
    return (
      <p class="meta">
        <ActionButton
          text="Cancel turn"
          label={`Cancel the turn of ${name}`}
          question="Cancel it, and give its messages up?"
          act={() => cancelTurn(name, false)}
        />
        <ActionButton
          text="Cancel and queue again"
          label={`Cancel the turn of ${name} and queue its messages again`}
          question="Cancel it, and begin anew?"
          act={() => cancelTurn(name, true)}
        />
      </p>
    );
  if (!isUp(agent)) return null;
  return (
    <p class="meta">
      <ActionButton
        text="Compact"
        label={`Have ${name} make its conversation smaller`}
        act={() => changeConversation(name, { kind: "compact" })}
      />
      <ActionButton
        text="New conversation"
        label={`Have ${name} begin a new conversation`}
        question="Forget its conversation?"
        act={() => changeConversation(name, { kind: "new" })}
      />
      <ModelChoice name={name} />
    </p>
  );
}

/** Which models there are only its coding agent knows: a wrong one is refused with their names. */
function ModelChoice({ name }: { name: Agent["name"] }) {
  const [model, setModel] = useState("");
  return (
    <>
      <input
        type="text"
        aria-label={`Model for ${name}`}
        placeholder="model"
        size={12}
        value={model}
        onInput={({ currentTarget }) => setModel(currentTarget.value)}
      />
      {model.trim() !== "" && (
        <ActionButton
          text="Use it"
          label={`Have ${name} use this model`}
          act={() => changeConversation(name, { kind: "model", model })}
        />
      )}
    </>
  );
}
