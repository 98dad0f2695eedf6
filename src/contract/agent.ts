import { z } from "zod";
import { Canary } from "./canary.ts";
import { AgentName, EpochMs, LaunchId, ObjectId, TurnId } from "./names.ts";

export const AgentRole = z.enum(["manager", "worker"]);
export type AgentRole = z.infer<typeof AgentRole>;

/** Where an agent's process lives, weakest first. */
export const RuntimeKind = z.enum(["process", "bubblewrap"]);
export type RuntimeKind = z.infer<typeof RuntimeKind>;

/** What the operator, or `main` of hive/agents, wants of an agent. */
export const AgentWish = z.enum(["running", "stopped", "destroyed"]);
export type AgentWish = z.infer<typeof AgentWish>;

/**
 * What an agent is doing:
 * converging → idle ⇄ working, idle → parked (see `problem`) → idle, any → failed (see `problem`), any → stopped.
 */
export const AgentState = z.enum(["converging", "idle", "working", "parked", "failed", "stopped"]);
export type AgentState = z.infer<typeof AgentState>;

/** An agent's public row. */
export const Agent = z.object({
  name: AgentName,
  role: AgentRole,
  wish: AgentWish,
  state: AgentState,
  /** since when it is in that state */
  since: EpochMs,
  /** why it is parked or failed, or what it is doing while it converges; a sentence */
  problem: z.string().nullable(),
  /** a parked agent gets its next turn then; null when it waits for somebody, or for nothing */
  retryAt: EpochMs.nullable(),
  /** the git tree of `agents/<name>` that runs, and the one that `main` wants */
  runningTree: ObjectId.nullable(),
  wantedTree: ObjectId.nullable(),
  /** why these two are not the same, and a version before it runs; a sentence, until `main` is mended or reverted */
  difference: z.string().nullable(),
  /** counts its versions here; the tag is `deployed/<name>/<n>`, with the next free number where that one is taken */
  deployment: z.number().int().nullable(),
  runtime: RuntimeKind.nullable(),
  launch: LaunchId.nullable(),
  turn: TurnId.nullable(),
  /** messages to it that were given up, and wait for the operator */
  deadLetters: z.number().int(),
  /** turns in a row that failed; 0 after one that went well */
  failedTurns: z.number().int(),
  /** how often its loop slept although there was something to do, and the last time */
  lostWakes: z.number().int(),
  lostWakeAt: EpochMs.nullable(),
  /** it can be signed in from here: with a secret, and also by a link where that is so */
  signsIn: z.boolean().optional(),
  signsInByLink: z.boolean().optional(),
  /** the newest one that was sent to its loop; null before the first, and once a turn has disproved one that failed */
  canary: Canary.nullable(),
});
export type Agent = z.infer<typeof Agent>;

/** Whether there is a process, and nothing is done to it from outside: then its loop waits, when it is in no turn. */
export const isUp = ({ state, launch }: Pick<Agent, "state" | "launch">): boolean =>
  launch !== null && (state === "idle" || state === "parked");

/** Whether somebody has to look before it goes on: one that is parked until a time goes on by itself. */
export const isStuck = ({ state, retryAt }: Agent): boolean =>
  state === "failed" || (state === "parked" && retryAt === null);

/** Whether somebody has to look after it. */
export const isAgentInTrouble = (agent: Agent): boolean =>
  isStuck(agent) || agent.difference !== null || agent.deadLetters > 0 || agent.canary?.state === "failed";
