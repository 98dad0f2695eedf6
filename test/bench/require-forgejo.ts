/** A figure that is measured on the real thing has none without it. */
import { type Forgejo, findForgejo } from "../../src/hive/up/forgejo.ts";

export async function requireForgejo(): Promise<Forgejo> {
  const found = await findForgejo();
  if (!found) throw new Error("There is no Forgejo to measure: install one with `hive forge install`.");
  return found;
}
