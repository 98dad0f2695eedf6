/** How hived tells the runner what to start: made by a pure function from an agent's config, carried out literally. */
import { z } from "zod";
import { RuntimeKind } from "./agent.ts";
import { AgentName, LaunchId, ObjectId } from "./names.ts";

/** A file to be made before a start; its path is relative to a directory that the text around it names. */
export const FileToWrite = z.object({
  path: z.string(),
  /** base64, as files need not be text */
  content: z.string(),
  executable: z.boolean().default(false),
});
export type FileToWrite = z.infer<typeof FileToWrite>;

/**
 * Names in the directories of a place: the runner makes them, and launch specs lead there. `prompt` and `plugin` are in the
 * launch's: what the agent is told at the start of each conversation, and its skills.
 */
export const placeNames = {
  state: "state",
  config: "config",
  home: "home",
  secrets: "secrets",
  currentDocs: "current",
  prompt: "prompt.md",
  plugin: "plugin",
} as const;

/** Where agents' programs are looked for, but for Node. */
export const systemPath = "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin";

/** Clients of a forge for the command line that are set up for an agent where they are installed. */
export const ForgeClient = z.enum(["tea", "fj"]);
export type ForgeClient = z.infer<typeof ForgeClient>;

/** What the runner's machine offers, told when it connects: launch specs are made for it. Paths are absolute there. */
export const Place = z.object({
  /** agents' directories: `<agentsRoot>/<name>/state`, `<agentsRoot>/<name>/config/<tree>` */
  agentsRoot: z.string(),
  sharedRoot: z.string(),
  docsRoot: z.string(),
  /** one directory per launch, with the agent's socket and secrets: `<launchesRoot>/<launch>` */
  launchesRoot: z.string(),
  /** what one agent alone sees: `<privateRoot>/<name>/home` is its program's own, `…/secrets` is what that signs in with */
  privateRoot: z.string(),
  node: z.string(),
  /** the directory that holds our package.json */
  program: z.string(),
  /** what NODE_COMPILE_CACHE names for programs of ours */
  compiled: z.string().optional(),
  /** the programs of those clients that are there */
  clients: z.partialRecord(ForgeClient, z.string()).optional(),
  /** runtimes whose self-test passed at this start, strongest last; with what each of the others failed */
  runtimes: z.array(RuntimeKind),
  missing: z.partialRecord(RuntimeKind, z.string()),
});
export type Place = z.infer<typeof Place>;

/** The coding agents that are spoken to by ACP; `script` is our own, without a model. */
export const AcpProfile = z.enum(["script", "codex", "gemini", "opencode", "claude"]);
export type AcpProfile = z.infer<typeof AcpProfile>;

const conversation = {
  /** the agent's working directory and MCP servers, as the agent sees them */
  cwd: z.string(),
  mcpServers: z.array(
    z.object({
      name: z.string(),
      command: z.string(),
      args: z.array(z.string()),
      env: z.record(z.string(), z.string()),
    }),
  ),
  /** continue this conversation if the agent still has it */
  session: z.string().nullable(),
  /** null: the one that the coding agent chooses */
  model: z.string().nullable(),
  /** what it is told at the start of each conversation, as the agent sees the file */
  promptFile: z.string(),
  /** a directory, which its skills are taken from where it lists them by itself: likewise */
  plugin: z.string(),
};

/** How a coding agent is spoken to, and the start of its conversation. */
export const DriverSpec = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("acp"), profile: AcpProfile, ...conversation }),
  z.object({ kind: z.literal("claude"), ...conversation }),
]);
export type DriverSpec = z.infer<typeof DriverSpec>;

/** What the agent's base prompt is filled in with; `docs` and `config` are directories as the agent sees them. */
export const PromptValues = z.object({ docs: z.string(), config: z.string() }).catchall(z.string());
export type PromptValues = z.infer<typeof PromptValues>;

/** How a command comes to run where an agent runs: put before it, its whole environment, and where it begins. */
export const Enter = z.object({ argv: z.array(z.string()), env: z.record(z.string(), z.string()), cwd: z.string() });
export type Enter = z.infer<typeof Enter>;

/** All that a launch needs; compared whole with golden files. */
export const LaunchSpec = z.object({
  runtime: RuntimeKind,
  /** run as it stands, without a shell */
  argv: z.array(z.string()).min(1),
  /** the whole environment: nothing of the runner's own is handed on */
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  driver: DriverSpec,
  prompt: PromptValues,
  limits: z.object({ turnTimeoutMs: z.number(), silenceMs: z.number(), idleStopMs: z.number() }),
});
export type LaunchSpec = z.infer<typeof LaunchSpec>;

export const Launch = z.object({
  launch: LaunchId,
  agent: AgentName,
  tree: ObjectId,
  spec: LaunchSpec,
  /** made in the launch's directory with mode 0600: the forge token and git's configuration */
  secrets: z.array(FileToWrite),
});
export type Launch = z.infer<typeof Launch>;
