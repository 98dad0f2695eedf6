/** Whom the forge shows a pull request: who had a part in it may have been shut out since. */
import { findLiving } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Forge } from "./client.ts";
import { isRefused } from "./errors.ts";
import type { ItemPlace } from "./forge-items.ts";
import { organizations } from "./plan.ts";

/** Those of some users that are agents, and are shown it no more. What is in our organizations every agent is shown. */
export async function shutOut(
  { core, forge }: { core: Core; forge: Forge },
  { repo, number }: ItemPlace,
  users: readonly string[],
): Promise<ReadonlySet<string>> {
  if (organizations.some(({ name }) => repo.startsWith(`${name}/`))) return new Set();
  const agents = core.db.read((reader) => users.flatMap((user) => findLiving(reader, user)?.name ?? []));
  const isShown = async (agent: (typeof agents)[number]) => {
    try {
      return (await forge.as(agent).readPull(repo, number)) !== null;
    } catch (error) {
      if (!isRefused(error, 403)) throw error;
      return false;
    }
  };
  const asked = await Promise.all(agents.map(async (agent) => ((await isShown(agent)) ? [] : [agent])));
  return new Set(asked.flat());
}
