import type { ForgeHealth } from "../../contract/facts.ts";
import type { Connection } from "../store.ts";
import { ConnectionBadge } from "./connection-badge.tsx";
import { HiveMark } from "./icons.tsx";
import { OutsideLink } from "./outside-link.tsx";

type Props = { forge: ForgeHealth | null; connection: Connection; signOut: () => void };

export const TopBar = ({ forge, connection, signOut }: Props) => (
  <header class="top">
    <div class="wide top-row">
      <h1>
        <HiveMark />
        Hyperhive
      </h1>
      <ConnectionBadge connection={connection} />
      <nav aria-label="Hive" class="top-links">
        {forge && (
          <OutsideLink href={forge.url}>
            Forge<span class="forge-kind"> {forgeText(forge)}</span>
          </OutsideLink>
        )}
        <button type="button" class="quiet-button" onClick={signOut}>
          Sign out
        </button>
      </nav>
    </div>
  </header>
);

const forgeText = ({ kind, version, catchingUp }: ForgeHealth) => {
  const known = version ? `${kind} ${version}` : kind;
  return catchingUp ? `(${known}, ${catchingUp.done} of ${catchingUp.of} changes seen)` : `(${known})`;
};
