/** The files of a launch's directory beside its socket: an agent's token, and what git needs to use it. */
import { join } from "node:path";
import type { FileToWrite } from "../../contract/launch.ts";
import type { AgentName } from "../../contract/names.ts";
import { sandboxUser } from "../../daemon/bubblewrap.ts";
import { runFiles } from "./view.ts";

/**
 * They are the same in every runtime: where the token lies, git learns from the environment.
 * @param forge `email`: the agent's address on it, by which the forge knows whose commits are whose
 */
export function secretsFor(agent: AgentName, forge: { url: string; token: string; email: string }): FileToWrite[] {
  return [
    file(runFiles.token, `${forge.token}\n`),
    file(runFiles.gitConfig, gitConfig(agent, forge.email, new URL(forge.url).origin)),
    file(runFiles.passwd, `agent:x:${sandboxUser}:${sandboxUser}::${join("/agents", agent, "state")}:/bin/sh\n`),
  ];
}

const file = (path: string, content: string): FileToWrite => ({
  path,
  content: Buffer.from(content).toString("base64"),
  executable: false,
});

/** `safe.directory`: git distrusts what another user owns, and a sandbox of root's shows all files as its own or nobody's. */
const gitConfig = (agent: AgentName, email: string, forgeOrigin: string): string => `[user]
	name = ${agent}
	email = ${email}
[init]
	defaultBranch = main
[safe]
	directory = *
[credential "${forgeOrigin}"]
	helper = "!f() { test \\"$1\\" = get && printf 'username=%s\\\\npassword=%s\\\\n' \\"$HIVE_FORGE_USER\\" \\"$(cat \\"$HIVE_FORGE_TOKEN_FILE\\")\\"; }; f"
`;
