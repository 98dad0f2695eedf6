/** Tries, where an agent runs, all that it needs for its work; no turn is spent on it, and one that runs hears nothing of it. */
import { z } from "zod";
import type { Finding } from "../../contract/examination.ts";
import type { runnerCalls } from "../../contract/link.ts";
import type { RequestOf } from "../../contract/table.ts";
import type { Clock } from "../../daemon/clock.ts";
import { driverFor } from "../drivers/drivers.ts";
import { type KnownAgent, knownAgentOf } from "./coding-agents.ts";
import { type Tried, tryCommand } from "./try-command.ts";

type ToExamine = Omit<RequestOf<typeof runnerCalls.examine>, "launch" | "secrets">;

/** Runs a command where the agent runs. */
type Try = (command: readonly string[], input?: string) => Promise<Tried>;

/** @param node ours, which is in every sandbox */
export async function examine(asked: ToExamine, { node, clock }: { node: string; clock: Clock }): Promise<Finding[]> {
  const { agent, enter, command, driver, docsUrl } = asked;
  const known = knownAgentOf(driver);
  const program = command.filter((word) => !known.serves.includes(word));
  const run: Try = (wanted, input) => tryCommand(enter, wanted, clock, input);
  const surroundings = await look(run, node, known);
  const signInBy = `hive agent login ${agent}${driverFor(driver).login?.linkArguments ? "" : " --secret"}`;
  return Promise.all([
    findVersion(run, [...program, ...known.version]),
    findSignIn({ run, program, known, signInBy, surroundings }),
    findApi(known, surroundings),
    findTools(run, driver),
    findGit(run, docsUrl),
  ]);
}

const well = (what: Finding["what"], found: string): Finding => ({ what, state: "well", found, next: null });
const failed = (what: Finding["what"], found: string, next: string): Finding => ({
  what,
  state: "failed",
  found,
  next,
});

/** The last error that a failed command told, else the last thing that it said, or how it ended. */
function endOf({ code, out, err, isLate }: Tried): string {
  if (isLate) return "it had not ended after 20 s";
  const lines = `${out}\n${err}`.trim().split("\n");
  const last = lines.findLast((line) => /error|fatal/i.test(line)) ?? lines.at(-1);
  return last?.trim().slice(0, 300) || `it ended with ${code ?? "a signal"}`;
}

async function findVersion(run: Try, command: string[]): Promise<Finding> {
  const tried = await run(command);
  const version = tried.out.trim().split("\n")[0]?.slice(0, 200);
  if (tried.code === 0 && version) return well("coding agent", `It is installed: ${version}.`);
  return failed(
    "coding agent",
    `\`${command.join(" ")}\` does not tell its version: ${endOf(tried)}.`,
    "Install it where the agent's sandbox has it (below /usr), or name its program in agent.yaml: harness.command.",
  );
}

type SigningIn = { run: Try; program: string[]; known: KnownAgent; signInBy: string; surroundings: Surroundings };

async function findSignIn({ run, program, known, signInBy, surroundings }: SigningIn): Promise<Finding> {
  const { command, variables = [], file } = known.signIn;
  if (!command && !file && variables.length === 0) return well("sign-in", "It needs none.");
  const { traces } = surroundings;
  if (traces.length > 0)
    return well("sign-in", `It has ${traces.join(" and ")}; a turn shows whether that is accepted.`);
  const tried = command && (await run([...program, ...command]));
  if (tried?.code === 0) return well("sign-in", "It is signed in.");
  return failed("sign-in", "It is not signed in.", `Sign it in: \`${signInBy}\`.`);
}

function findApi({ api: known }: KnownAgent, { api, problem }: Surroundings): Finding {
  if (known === "none") return well("API", "It has no model, and needs none.");
  if (known === "one of many")
    return { what: "API", state: "unknown", found: "It has the choice of many providers.", next: null };
  if (api?.status) return well("API", `${api.url} answers.`);
  return failed(
    "API",
    `${api?.url ?? known.url} can't be reached: ${api?.problem ?? problem ?? "nothing was found out"}.`,
    `See to the network of this machine, or to ${known.variables.join(", ")} under harness.env of agent.yaml.`,
  );
}

const Surroundings = z.object({
  /** what is there of what shows a sign-in */
  traces: z.array(z.string()),
  api: z.object({ url: z.string(), status: z.number().optional(), problem: z.string().optional() }).nullable(),
  problem: z.string().optional(),
});
type Surroundings = z.infer<typeof Surroundings>;

/** What Node sees and reaches there: variables, a file, and the provider, whatever it answers. */
async function look(run: Try, node: string, { signIn, api }: KnownAgent): Promise<Surroundings> {
  const { variables = [], file } = signIn;
  const wanted = JSON.stringify({ variables, file, api: typeof api === "string" ? null : api });
  const tried = await run([node, "-e", lookScript], wanted);
  if (tried.code === 0) return Surroundings.parse(JSON.parse(tried.out));
  return { traces: [], api: null, problem: endOf(tried) };
}

/** Only names are told, never what they hold. A proxy that the environment names is used, as coding agents do. */
const lookScript = `
  const { existsSync, readFileSync } = require("node:fs");
  const { variables, file, api } = JSON.parse(readFileSync(0, "utf8"));
  const { env } = process;
  const isThere = file && existsSync(env[file.below] + "/" + file.path);
  const traces = [...variables.filter((name) => env[name]), ...(isThere ? [file.path] : [])];
  const url = api && (api.variables.map((name) => env[name]).find(Boolean) ?? api.url);
  const reach = async () => {
    try {
      const { status } = await fetch(url, { signal: AbortSignal.timeout(10_000), redirect: "manual" });
      return { url, status };
    } catch (error) {
      return { url, problem: String(error.cause?.message ?? error.cause?.code ?? error.message) };
    }
  };
  (async () => console.log(JSON.stringify({ traces, api: url ? await reach() : null })))();`;

const Listed = z.object({ id: z.literal(2), result: z.object({ tools: z.array(z.object({ name: z.string() })) }) });

/** As its coding agent does it: by the bridge, over the agent's own socket. */
async function findTools(run: Try, { mcpServers }: ToExamine["driver"]): Promise<Finding> {
  const server = mcpServers.find(({ name }) => name === "hyperhive");
  if (!server) throw new Error("an agent's driver was made without the hive's tools");
  const environment = Object.entries(server.env).map(([name, value]) => `${name}=${value}`);
  const tried = await run(["env", ...environment, server.command, ...server.args], `${conversation.join("\n")}\n`);
  const answers = tried.out.split("\n").map((line) => Listed.safeParse(jsonIn(line)));
  const tools = answers.find(({ success }) => success)?.data?.result.tools ?? [];
  if (tools.length > 0) return well("tools", `All ${tools.length} tools of the hive arrive.`);
  return failed(
    "tools",
    `The hive's tools do not arrive: ${endOf(tried)}.`,
    "Look into the log of hived. When the hive was upgraded just now, restart the agent.",
  );
}

const call = (id: number | undefined, method: string, params: object) =>
  JSON.stringify({ jsonrpc: "2.0", ...(id !== undefined && { id }), method, params });
const conversation = [
  call(1, "initialize", {
    protocolVersion: "2025-11-25",
    capabilities: {},
    clientInfo: { name: "hive-doctor", version: "1" },
  }),
  call(undefined, "notifications/initialized", {}),
  call(2, "tools/list", {}),
];

function jsonIn(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether the forge lets it in, as itself. */
async function findGit(run: Try, docsUrl: string): Promise<Finding> {
  const tried = await run(["git", "ls-remote", "--exit-code", docsUrl, "HEAD"]);
  if (tried.code === 0) return well("git", "git reads from the forge as the agent.");
  return failed(
    "git",
    `git can't read from the forge: ${endOf(tried)}.`,
    "See what `hive forge check` tells of its token and teams.",
  );
}
