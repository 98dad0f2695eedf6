import type { RefusalBody } from "../../contract/refusal.ts";
import { HiveMark } from "../parts/icons.tsx";

/** What somebody sees who is not signed in: why, and the two ways in. There is nothing to type. */
export const SignIn = ({ refusal, signInByForge }: { refusal: RefusalBody | null; signInByForge: () => void }) => (
  <main class="lonely">
    <div class="card lonely-card">
      <p class="brand">
        <HiveMark />
        Hyperhive
      </p>
      <h1>{refusal ? "This did not let you in" : "You are not signed in"}</h1>
      {refusal && (
        <p class="problem" role="alert">
          {refusal.message} {refusal.next}
        </p>
      )}
      <p>
        <button type="button" class="button" onClick={signInByForge}>
          Sign in with the forge
        </button>
      </p>
      <p>
        Or take a one-time link: start the hive in a terminal once more. One that runs already is left alone, and prints
        a fresh link.
      </p>
      <pre>
        <code>npm start</code>
      </pre>
      <p class="meta">
        Where Hyperhive is installed as a program it is <code>hive up</code>. A link works once, within five minutes, in
        the browser that opens it.
      </p>
    </div>
  </main>
);
