/** What stands around every page of the signed-in operator. */
import type { ComponentChildren } from "preact";
import type { StorageTrouble } from "../../contract/facts.ts";
import type { HiveState } from "../../contract/fold.ts";
import { Ago } from "../parts/ago.tsx";
import { TopBar } from "../parts/top-bar.tsx";
import type { Connection } from "../store.ts";

type Props = {
  hive: HiveState;
  connection: Connection;
  storage: StorageTrouble | null;
  news: string;
  /** why the page can't show what its address names */
  problem: string | null;
  signOut: () => void;
  children: ComponentChildren;
};

export const Frame = ({ hive, connection, storage, news, problem, signOut, children }: Props) => (
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
      {storage && (
        <p class="stale" role="alert">
          What is written waits, or is refused: {storage.problem} Since <Ago at={storage.since} />; it goes on by
          itself.
        </p>
      )}
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
