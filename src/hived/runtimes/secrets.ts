/** The files of a launch's directory beside its socket: an agent's token, and what git needs to use it. */
import { join } from "node:path";
import type { FileToWrite, ForgeClient, Place } from "../../contract/launch.ts";
import type { AgentName } from "../../contract/names.ts";
import { sandboxUser } from "../../daemon/bubblewrap.ts";
import { runFiles } from "./view.ts";

/**
 * They are the same in every runtime: where the token lies, git learns from the environment.
 * @param forge `email`: the agent's address on it, by which the forge knows whose commits are whose
 */
export function secretsFor(
  agent: AgentName,
  forge: ForgeAccess,
  { clients = {} }: Pick<Place, "clients">,
): FileToWrite[] {
  return [
    file(runFiles.token, `${forge.token}\n`),
    file(runFiles.gitConfig, gitConfig(agent, forge.email, new URL(forge.url).origin)),
    file(runFiles.curlConfig, curlConfig(forge.token)),
    file(runFiles.passwd, `agent:x:${sandboxUser}:${sandboxUser}::${join("/agents", agent, "state")}:/bin/sh\n`),
    ...(clients.fj ? [file(join(clientDirectory, "git/config"), libgitConfig(forge.url))] : []),
    ...Object.entries(clients).flatMap(([name, program]) => [
      clientConfigs[name as ForgeClient](agent, forge),
      { ...file(join(runFiles.programs, name), clientWrapper(program, forge.url)), executable: true },
    ]),
  ];
}

type ForgeAccess = { url: string; token: string; email: string };

const file = (path: string, content: string): FileToWrite => ({
  path,
  content: Buffer.from(content).toString("base64"),
  executable: false,
});

/**
 * `safe.directory`: git distrusts what another user owns, and a sandbox of root's shows all files as its own or nobody's.
 * `followRedirects`: of a repository that was renamed, Forgejo (7.0.16) redirects what is sent, not what is asked first.
 */
const gitConfig = (agent: AgentName, email: string, forgeOrigin: string): string => `[user]
	name = ${agent}
	email = ${email}
[init]
	defaultBranch = main
[safe]
	directory = *
[http "${forgeOrigin}"]
	followRedirects = true
[credential "${forgeOrigin}"]
	helper = ${credentialHelper('test \\"$1\\" = get')}
`;

/** @param condition on which it tells the token, as git's configuration has it between quotation marks */
const credentialHelper = (condition: string): string =>
  `"!f() { ${condition} && printf 'username=%s\\\\npassword=%s\\\\n' \\"$HIVE_FORGE_USER\\" \\"$(cat \\"$HIVE_FORGE_TOKEN_FILE\\")\\"; }; f"`;

/** Given to curl with `-K`, so that no token is on its command line, which others can see. */
const curlConfig = (token: string): string => `silent
show-error
header = "Authorization: token ${token}"
header = "Content-Type: application/json"
`;

/** Directory of the clients' configurations, which each finds there by the rules of freedesktop.org. */
const clientDirectory = "clients";

/**
 * How the forge's command-line clients are told who they are: tea (0.9 to 0.12, modules/config) below `XDG_CONFIG_HOME`, fj
 * (0.2 to 0.7, src/keys.rs) below `XDG_DATA_HOME`. JSON is YAML, too; each leaves alone what it does not know.
 */
const clientConfigs: Record<ForgeClient, (agent: AgentName, forge: ForgeAccess) => FileToWrite> = {
  tea: (user, { url, token }) =>
    file(
      join(clientDirectory, "tea/config.yml"),
      `${JSON.stringify({ logins: [{ name: "forge", url, token, default: true, user, version_check: false }] })}\n`,
    ),
  fj: (name, { url, token }) => {
    const { pathname } = new URL(url);
    const key = { type: "Application", name, token, api_url: url };
    const withoutSlash = pathname.replace(/\/$/, ""); // older ones know no path
    const hosts = namesOf(url).flatMap((host) => [host, `${host}${withoutSlash}`]);
    return file(
      join(clientDirectory, "forgejo-cli/keys.json"),
      `${JSON.stringify({ hosts: Object.fromEntries(hosts.map((host) => [host, key])), aliases: {}, default_ssh: [] })}\n`,
    );
  },
};

/**
 * In the agent's PATH before the client itself. It gets a copy of its configuration, as fj writes its own anew at each end;
 * and as the directories that are named so are those of other programs, too, nobody else is told of it.
 */
const clientWrapper = (program: string, forgeUrl: string): string => `#!/bin/sh
copy=$(mktemp -d) && trap 'rm -rf "$copy"' EXIT && trap 'exit 1' HUP INT TERM || exit
cp -R "\${0%/*}/../${clientDirectory}/." "$copy" || exit
XDG_CONFIG_HOME=$copy XDG_DATA_HOME=$copy FJ_FALLBACK_HOST=${quoted(forgeUrl)} ${quoted(program)} "$@"
`;

/**
 * For fj, which clones by libgit2 (fj 0.7.0, git2 0.21): that does not read the file that git is led to, finds no helper for a
 * host with a port, and tells a helper of hosts that are names, not addresses. So this one is for all hosts, and answers for the
 * forge's alone; and a forge at 127.0.0.1 is called by its name.
 */
function libgitConfig(forgeUrl: string): string {
  const { protocol } = new URL(forgeUrl);
  const [host, named = host] = namesOf(forgeUrl);
  return `[credential]
	helper = ${credentialHelper(`grep -qxF 'host=${named}'`)}
[url "${protocol}//${named}/"]
	insteadOf = ${protocol}//${host}/
`;
}

/** The forge's host and port, and what fj finds in a clone instead where `libgitConfig` renames it. */
function namesOf(forgeUrl: string): string[] {
  const { hostname, host } = new URL(forgeUrl);
  return hostname === "127.0.0.1" ? [host, host.replace(hostname, "localhost")] : [host];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
