/** Runtime `bubblewrap`: an agent sees its own directories, the system's programs and our program, and nothing else. */
import { isAbsolute, join } from "node:path";
import { type Enter, type Place, placeNames } from "../../contract/launch.ts";
import type { LaunchId } from "../../contract/names.ts";
import { compiledMounts, type Mount, sandboxed } from "../../daemon/bubblewrap.ts";
import { type AgentToLaunch, directoriesOf, environmentOf, runFiles, type View } from "./view.ts";

/** All versions of the docs are mounted, and `/docs` leads to the newest: so it changes under a running agent too. */
const docsMount = "/run/docs";

export function enterBubblewrap(agent: AgentToLaunch, place: Place, launch: LaunchId, forge: { url: string }): Enter {
  const view = bubblewrapView(agent);
  const sandbox = {
    hostname: agent.name,
    network: "shared" as const,
    system: "programs" as const,
    env: environmentOf(agent, view, place, forge),
    cwd: view.state,
    mounts: [...programMounts(place), ...agentMounts(agent, view, place, join(place.launchesRoot, launch))],
  };
  return { argv: sandboxed(sandbox, []), env: {}, cwd: "/" }; // bubblewrap's own environment, which is readable inside
}

export const bubblewrapView = ({ name }: AgentToLaunch): View => ({
  state: `/agents/${name}/state`,
  shared: "/shared",
  docs: "/docs",
  config: `/agents/${name}/config`,
  agents: "/agents",
  run: "/run/hive",
  private: "/private",
  secrets: "/run/secrets",
});

/** Of our directory only what the bridge and the script agent run from: a checkout holds much more. */
const programMounts = ({ node, program, compiled }: Place): Mount[] => [
  ...[node, ...["package.json", "src", "node_modules"].map((name) => join(program, name))].map(
    (path): Mount => ({ kind: "readable", from: path, at: path }),
  ),
  ...compiledMounts(compiled),
];

/** The program that agent.yaml names; one that lies in a `node_modules` runs from its package, and those that this needs. */
function commandMounts(program: string): Mount[] {
  if (!isAbsolute(program)) return [];
  const path = /^.*?\/node_modules(?=\/)/.exec(program)?.[0] ?? program;
  return [{ kind: "readable if there", from: path, at: path }];
}

function agentMounts(agent: AgentToLaunch, view: View, place: Place, launchDirectory: string): Mount[] {
  const { state, config, private: own, secrets } = directoriesOf(agent, place);
  const [program = ""] = agent.config.harness.command ?? [];
  const everybody: Mount[] = [{ kind: "readable", from: place.agentsRoot, at: view.agents }];
  return [
    ...commandMounts(program),
    ...(agent.role === "manager" ? everybody : []),
    { kind: "writable", from: state, at: view.state },
    { kind: "writable", from: own, at: view.private },
    { kind: "readable", from: secrets, at: view.secrets },
    { kind: "readable", from: config, at: view.config },
    { kind: "writable", from: place.sharedRoot, at: view.shared },
    { kind: "readable", from: place.docsRoot, at: docsMount },
    { kind: "link", to: join(docsMount, placeNames.currentDocs), at: view.docs },
    // The directory, not the socket in it: a mounted socket is dead for ever when hived has made a new one.
    { kind: "readable", from: launchDirectory, at: view.run },
    { kind: "readable", from: join(launchDirectory, runFiles.passwd), at: "/etc/passwd" },
  ];
}
