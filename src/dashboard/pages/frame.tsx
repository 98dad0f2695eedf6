/** What stands around every page of the signed-in operator. */
import type { ComponentChildren } from "preact";
import type { HiveState } from "../../contract/fold.ts";
import { Ago } from "../parts/ago.tsx";
import { TopBar } from "../parts/top-bar.tsx";
import type { Connection } from "../store.ts";

type Props = {
  hive: HiveState;
  connection: Connection;
  news: string;
  /** why the page can't show what its address names */
  problem: string | null;
  signOut: () => void;
  children: ComponentChildren;
};

export const Frame = ({ hive, connection, news, problem, signOut, children }: Props) => (
  <>
    <a class="skip" href="/#needs-you">
      Skip to what needs you
    </a>
    <TopBar forge={hive.forge} connection={connection} signOut={signOut} />
    <p class="unseen" role="status">
      {news}
    </p>
    <main class="wide" tabIndex={-1}>
      <Staleness connection={connection} />
      {problem && (
        <p class="stale" role="alert">
          {problem}
        </p>
      )}
      {children}
    </main>
  </>
);

/** Says so when what is shown may not be true any more. */
function Staleness({ connection }: { connection: Connection }) {
  if (connection.kind === "lost")
    return (
      <p class="stale">
        Not connected to the hive. What you see is as it was <Ago at={connection.since} />; it goes on by itself.
      </p>
    );
  if (connection.kind !== "halted") return null;
  return (
    <p class="stale" role="alert">
      {connection.problem}{" "}
      <button type="button" class="quiet-button" onClick={() => location.reload()}>
        Load it again
      </button>
    </p>
  );
}
