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

/** Names in the directories of a place: the runner makes them, and launch specs lead there. */
export const placeNames = { state: "state", config: "config", currentDocs: "current" } as const;

/** What the runner's machine offers, told when it connects: launch specs are made for it. Paths are absolute there. */
export const Place = z.object({
  /** agents' directories: `<agentsRoot>/<name>/state`, `<agentsRoot>/<name>/config/<tree>` */
  agentsRoot: z.string(),
  sharedRoot: z.string(),
  docsRoot: z.string(),
  /** one directory per launch, with the agent's socket and secrets: `<launchesRoot>/<launch>` */
  launchesRoot: z.string(),
  node: z.string(),
  /** the directory that holds our package.json */
  program: z.string(),
  /** what NODE_COMPILE_CACHE names for programs of ours */
  compiled: z.string().optional(),
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
};

/** How a coding agent is spoken to, and the start of its conversation. */
export const DriverSpec = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("acp"), profile: AcpProfile, ...conversation }),
  z.object({ kind: z.literal("claude"), ...conversation }),
]);
export type DriverSpec = z.infer<typeof DriverSpec>;

/** All that a launch needs; compared whole with golden files. */
export const LaunchSpec = z.object({
  runtime: RuntimeKind,
  /** run as it stands, without a shell */
  argv: z.array(z.string()).min(1),
  /** the whole environment: nothing of the runner's own is handed on */
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  driver: DriverSpec,
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
