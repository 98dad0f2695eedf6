/** Signs an agent in with its provider: by a link and the code that is shown there, or with a secret. */
import { useState } from "preact/hooks";
import type { Agent } from "../../contract/agent.ts";
import { isStuck } from "../../contract/agent.ts";
import { loginAgent } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";
import { OutsideLink } from "./outside-link.tsx";

/** Open where the agent waits for somebody, as that may be what it waits for. */
export function AgentLogin({ agent }: { agent: Agent }) {
  const [link, setLink] = useState<string | null>(null);
  const { name } = agent;
  if (!agent.signsIn) return null;
  return (
    <details open={isStuck(agent)}>
      <summary>Sign {name} in</summary>
      {agent.signsInByLink && (
        <p class="meta">
          <ActionButton
            text={link === null ? "Get a link" : "Get another link"}
            label={`Get a link to sign ${name} in`}
            act={async () => setLink(await loginAgent(name, { kind: "link" }))}
          />
          {link !== null && (
            <>
              <OutsideLink href={link}>Sign in there</OutsideLink>
              <Entry
                label={`Code to sign ${name} in`}
                placeholder="the code"
                act={async (code) => {
                  await loginAgent(name, { kind: "code", code });
                  setLink(null);
                }}
              />
            </>
          )}
        </p>
      )}
      <p class="meta">
        {agent.signsInByLink ? "or with" : "With"}{" "}
        <Entry
          label={`Secret to sign ${name} in`}
          placeholder="a key or a token"
          act={(secret) => loginAgent(name, { kind: "secret", secret })}
        />
      </p>
    </details>
  );
}

/** Emptied as soon as it was taken: no page keeps it. */
function Entry({
  label,
  placeholder,
  act,
}: {
  label: string;
  placeholder: string;
  act: (entered: string) => Promise<unknown>;
}) {
  const [entered, setEntered] = useState("");
  return (
    <>
      <input
        type="password"
        autocomplete="off"
        aria-label={label}
        placeholder={placeholder}
        value={entered}
        onInput={({ currentTarget }) => setEntered(currentTarget.value)}
      />
      <ActionButton
        text="Use it"
        label={`${label}: use it`}
        act={async () => {
          await act(entered);
          setEntered("");
        }}
      />
    </>
  );
}
