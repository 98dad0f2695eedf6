/** Where most files of the story begin. */
import type { Hive } from "../support/start-hive.ts";
import { mainOf, proposalOf, quiet } from "./outcome.ts";
import { openProposals, type Proposals } from "./proposals.ts";
import type { Tour } from "./tour.ts";

/** Starts a hive; resolves once the tour has proposed its worker, and all wait for the operator. @returns the docs' head, too */
export async function begin(hive: Hive, tour: Tour): Promise<{ proposals: Proposals; docs: string }> {
  await hive.up();
  await proposalOf(hive, tour.worker);
  await quiet(hive);
  return { proposals: openProposals(hive, tour), docs: await mainOf(hive, "org-shared/docs") };
}
