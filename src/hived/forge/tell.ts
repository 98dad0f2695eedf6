/** What was found changed on the forge and was put right is told, so that whoever changed it learns that it does not last. */
import type { Drift } from "../../contract/forge.ts";
import type { Core } from "../core.ts";
import { note } from "../events/note.ts";

export async function tellRepaired(core: Core, repaired: readonly Drift[]): Promise<void> {
  const changed = repaired.filter(({ found }) => found !== null);
  if (changed.length === 0) return;
  const what = changed.map(({ what, found }) => `${what} (${found})`).join("; ");
  await note(core, `What somebody had changed on the forge was put right: ${what}.`);
}
