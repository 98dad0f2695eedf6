import { HiveMark } from "../parts/icons.tsx";
import type { Connection } from "../store.ts";

/** The page before it knows anything. */
export const Opening = ({ connection }: { connection: Connection }) => (
  <main class="lonely">
    <div class="lonely-card opening">
      <HiveMark />
      <OpeningText connection={connection} />
    </div>
  </main>
);

function OpeningText({ connection }: { connection: Connection }) {
  if (connection.kind === "halted")
    return (
      <>
        <h1>The page has stopped</h1>
        <p role="alert">{connection.problem} Load it again.</p>
      </>
    );
  const problem = connection.kind === "connecting" ? connection.problem : null;
  return (
    <>
      <h1>{problem ? "Waiting for the hive" : "Opening the hive"}</h1>
      <p class="meta" role="status">
        {problem && `${problem} It is tried again by itself.`}
      </p>
    </>
  );
}
