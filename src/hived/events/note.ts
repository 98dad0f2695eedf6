/** Notes: sentences in the event log for people, of what no other event tells. */
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";

export const noteIn = (tx: Transaction, core: Core, text: string): void =>
  core.events.append(tx, { kind: "Note", text }, core.clock.now());

/** The same, in a commit of its own. */
export const note = (core: Core, text: string): Promise<void> => core.db.write((tx) => noteIn(tx, core, text));
