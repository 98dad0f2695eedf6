import type { Connection } from "../store.ts";
import { Since } from "./ago.tsx";

/** Whether what the page shows is true now. */
export const ConnectionBadge = ({ connection }: { connection: Connection }) => (
  <p class={`connection ${connection.kind}`} role="status">
    {connectionText(connection)}
    {connection.kind === "lost" && (
      <>
        {" "}
        <span aria-hidden="true">
          <Since at={connection.since} />
        </span>
      </>
    )}
  </p>
);

function connectionText({ kind }: Connection): string {
  switch (kind) {
    case "live":
      return "Live";
    case "connecting":
      return "Connecting";
    case "lost":
      return "Reconnecting";
    case "signed-out":
      return "Signed out";
    case "halted":
      return "Stopped";
  }
}
