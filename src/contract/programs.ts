/** What `hive up` tells each program that it starts: one JSON argument, parsed once. No secret is in it, only where one lies. */
import { z } from "zod";
import { ForgeHealth } from "./facts.ts";
import { RefusalBody } from "./refusal.ts";

/** The one line that a program prints on stdout: that it serves now, or why it will not start. */
export const StartLine = z.union([
  z.object({ ready: z.literal(true), note: z.string().optional() }),
  z.object({ refusal: RefusalBody }),
]);
export type StartLine = z.infer<typeof StartLine>;

/** Exit code of what refused to start: to start it again is of no use before somebody has changed something. */
export const refusedExitCode = 78;

export const HivedConfig = z.object({
  /** hived's own directory, 0700: hive.db, secrets/, scratch/ */
  home: z.string(),
  /** the directory that holds our package.json, with seeds/, templates/ and forge/ */
  program: z.string(),
  sockets: z.object({ web: z.string(), admin: z.string(), runner: z.string() }),
  /** one directory per launch, with the agent's socket in it */
  launchesRoot: z.string(),
  forge: z.object({
    kind: ForgeHealth.shape.kind,
    url: z.string(),
    /** 0600; the token of a site admin with all scopes */
    adminTokenFile: z.string(),
  }),
  /** where the forge delivers webhooks to */
  hookUrl: z.string(),
  dashboardUrl: z.string(),
  /** how old an open thread is when a prompt mentions it; a day where it is left out */
  nudgeAfterMs: z.number().int().positive().optional(),
});
export type HivedConfig = z.infer<typeof HivedConfig>;

export const WebConfig = z.object({
  /** an open listener, inherited */
  listenerDescriptor: z.number().int(),
  webSocket: z.string(),
  /** the built front end */
  assets: z.string(),
  /** as the browser knows it; its host is the only one that is served, but for the hook's, which is loopback */
  dashboardUrl: z.string(),
  hookUrl: z.string(),
  /** what it tries to reach at its start, to prove that it cannot; `directories` by what is in them */
  probes: z.object({
    adminSocket: z.string(),
    forgeUrl: z.string(),
    directories: z.record(z.string(), z.string()),
  }),
});
export type WebConfig = z.infer<typeof WebConfig>;

export const RunnerConfig = z.object({
  runnerSocket: z.string(),
  agentsRoot: z.string(),
  sharedRoot: z.string(),
  docsRoot: z.string(),
  launchesRoot: z.string(),
  privateRoot: z.string(),
  program: z.string(),
});
export type RunnerConfig = z.infer<typeof RunnerConfig>;
