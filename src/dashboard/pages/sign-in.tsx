import type { RefusalBody } from "../../contract/refusal.ts";
import { HiveMark } from "../parts/icons.tsx";

/** What somebody sees who is not signed in: why, and where a way in comes from. There is nothing to type. */
export const SignIn = ({ refusal }: { refusal: RefusalBody | null }) => (
  <main class="lonely">
    <div class="card lonely-card">
      <p class="brand">
        <HiveMark />
        Hyperhive
      </p>
      <h1>{refusal ? "This link does not let you in" : "You are not signed in"}</h1>
      {refusal && (
        <p class="problem" role="alert">
          {refusal.message} {refusal.next}
        </p>
      )}
      <p>
        The way in is a one-time link. Start the hive in a terminal once more: one that runs already is left alone, and
        prints a fresh link.
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
