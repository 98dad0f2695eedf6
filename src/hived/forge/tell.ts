/** What was found changed on the forge and was put right is told, so that whoever changed it learns that it does not last. */
import type { Drift } from "../../contract/forge.ts";
import type { Core } from "../core.ts";

export async function tellRepaired(core: Core, repaired: readonly Drift[]): Promise<void> {
  const changed = repaired.filter(({ found }) => found !== null);
  if (changed.length === 0) return;
  const what = changed.map(({ what, found }) => `${what} (${found})`).join("; ");
  await tell(core, `What somebody had changed on the forge was put right: ${what}.`);
}

export const tell = (core: Core, text: string): Promise<void> =>
  core.db.write((tx) => core.events.append(tx, { kind: "Note", text }, core.clock.now()));
