/** Runtime `process`: an agent beside us, as the same user, with no isolation at all. */
import { join } from "node:path";
import { type Enter, type Place, placeNames } from "../../contract/launch.ts";
import type { LaunchId } from "../../contract/names.ts";
import { type AgentToLaunch, directoriesOf, environmentOf, type View } from "./view.ts";

/** Without mounts there are no `/agents`, `/shared` and `/docs`: the agent is told the real paths. */
export const processView = (agent: AgentToLaunch, place: Place, launch: LaunchId): View => ({
  ...directoriesOf(agent, place),
  shared: place.sharedRoot,
  docs: join(place.docsRoot, placeNames.currentDocs),
  agents: place.agentsRoot,
  run: join(place.launchesRoot, launch),
});

export function enterProcess(agent: AgentToLaunch, place: Place, launch: LaunchId, forge: { url: string }): Enter {
  const view = processView(agent, place, launch);
  return { argv: [], env: environmentOf(agent, view, place, forge), cwd: view.state };
}
