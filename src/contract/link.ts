/**
 * The calls on the link between hived and a runner: one connection, JSON lines, both sides call.
 * Every call of the runner carries the boot that it was told by `hold`; hived refuses one of an earlier boot.
 */
import { z } from "zod";
import { ConversationChange } from "./conversation.ts";
import { Finding } from "./examination.ts";
import { DriverSpec, Enter, FileToWrite, Launch, Place, PromptValues } from "./launch.ts";
import { LoginAnswer, LoginStep } from "./login.ts";
import {
  Address,
  AgentName,
  BootId,
  CanaryId,
  EntryId,
  EpochMs,
  LaunchId,
  MessageId,
  ObjectId,
  TurnId,
} from "./names.ts";
import { Told } from "./told.ts";
import { Evidence, Outcome, Usage } from "./turn.ts";
import { LiveBatch, TurnLog } from "./turn-log.ts";

/** Time within which a runner that lost hived must be back before it kills its turns, and hived's margin on top of it. */
export const adoptWithinMs = 30_000;
export const adoptMarginMs = 5_000;

/** An inbox entry as an agent gets it. */
export const LeasedEntry = z.object({
  entry: EntryId,
  message: MessageId,
  from: Address,
  body: z.string(),
  sentAt: EpochMs,
  inReplyTo: MessageId.nullable(),
  redelivered: z.boolean(),
  broadcast: z.boolean(),
});
export type LeasedEntry = z.infer<typeof LeasedEntry>;

const nothing = z.object({});
const identity = { boot: BootId, agent: AgentName, launch: LaunchId, turn: TurnId };

export const TurnEnd = z.object({
  ...identity,
  outcome: Outcome,
  evidence: Evidence,
  /** a sentence for a person, where the outcome needs one */
  problem: z.string().nullable(),
  /** marks of `markReceived` after which the model produced something */
  answeredMarks: z.array(z.number().int()),
  /** the conversation to continue */
  session: z.string().nullable(),
  /** not before this time should the next turn start; null: hived decides */
  retryAt: EpochMs.nullable(),
  /** of a turn that the operator cancelled: its messages are queued again, not given up */
  requeues: z.boolean().optional(),
  /** left out where the agent never ran */
  usage: Usage.optional(),
  log: TurnLog.optional(),
  /** of a turn that the coding agent began by itself, of which nobody has heard before */
  beganAt: EpochMs.optional(),
});
export type TurnEnd = z.infer<typeof TurnEnd>;

/** What the runner asks of hived. */
export const hivedCalls = {
  /** first on every connection: what this runner offers, and what it still holds; the answer says what it may keep */
  hold: {
    request: z.object({
      place: Place,
      launches: z.array(z.object({ launch: LaunchId, agent: AgentName, turn: TurnId.nullable() })),
    }),
    response: z.object({ boot: BootId, adopted: z.array(LaunchId) }),
  },
  /** leases the oldest due entries of the agent's inbox to a new turn; no entries: there is nothing to do but the canary */
  lease: {
    request: z.object({ ...identity, limit: z.number().int().positive() }),
    response: z.object({
      entries: z.array(LeasedEntry),
      more: z.number().int(),
      canary: CanaryId.optional(),
      /** what of the agent's has been open for long, as phrases of the hive's own; each is named once */
      nudges: z.array(z.string()).optional(),
    }),
  },
  /** the loop has got a canary: it is alive */
  answerCanary: {
    request: z.object({ boot: BootId, agent: AgentName, launch: LaunchId, canary: CanaryId }),
    response: nothing,
  },
  /** settles the turn's entries; a second report of the same turn changes nothing */
  endTurn: { request: TurnEnd, response: nothing },
  /** the process of a launch is gone: though nobody asked for it, or (without a problem) as asked, after its turn */
  launchEnded: {
    request: z.object({ boot: BootId, agent: AgentName, launch: LaunchId, problem: z.string().nullable() }),
    response: nothing,
  },
  reportLive: { request: z.object({ ...identity, batch: LiveBatch }), response: nothing },
} as const;

/** What hived asks of the runner. Each may be repeated: it is then found done. */
export const runnerCalls = {
  /** makes the agent's directories and the read-only config directory of that tree */
  prepareAgent: {
    request: z.object({ agent: AgentName, tree: ObjectId, files: z.array(FileToWrite) }),
    response: nothing,
  },
  /**
   * starts the process and opens its conversation; answered when its loop is idle; a fault while that launch is ending.
   * `session` is null for a coding agent that is not signed in.
   */
  launch: { request: Launch, response: z.object({ session: z.string().nullable() }) },
  /**
   * ends a launch. One with a running turn ends after it, which `launchEnded` tells: it has not `ended` yet then.
   * `now` cuts the turn off, which then ends as `lost`.
   */
  stopLaunch: {
    request: z.object({ launch: LaunchId, now: z.boolean() }),
    response: z.object({ ended: z.boolean() }),
  },
  /** ends a turn for the operator, step by step; `endTurn` tells how it ended */
  cancelTurn: { request: z.object({ turn: TurnId, requeues: z.boolean() }), response: nothing },
  /** answered when it is done; refused in a turn, and where the coding agent has no such thing */
  changeConversation: {
    request: z.object({ launch: LaunchId, change: ConversationChange }),
    response: z.object({ session: z.string().nullable(), model: z.string().nullable() }),
  },
  /** signs an agent in, step by step; the process that runs is replaced by one that is signed in, after its turn */
  login: {
    request: z.object({ launch: LaunchId, step: LoginStep }),
    response: LoginAnswer.extend({ isSignedIn: z.boolean() }),
  },
  /** replaces files of a launch's directory, such as a token, while its process runs; nothing when that has ended */
  renewSecrets: { request: z.object({ launch: LaunchId, secrets: z.array(FileToWrite) }), response: nothing },
  /** what the agent would be told if its process started now; of that version of its directory, which was prepared */
  readPrompt: {
    request: z.object({ agent: AgentName, tree: ObjectId, values: PromptValues, driver: DriverSpec }),
    response: Told,
  },
  /** tries what the agent needs where it runs, with a launch's directory of its own, which has the agent's socket */
  examine: {
    request: z.object({
      launch: LaunchId,
      secrets: z.array(FileToWrite),
      enter: Enter,
      /** of its coding agent */
      command: z.array(z.string()).min(1),
      driver: DriverSpec,
      agent: AgentName,
      /** a repository that it may read */
      docsUrl: z.string(),
    }),
    response: z.object({ findings: z.array(Finding) }),
  },
  /** there is mail; only a hint, the inbox is the truth */
  wake: { request: z.object({ agents: z.array(AgentName) }), response: nothing },
  /**
   * `recv` is about to hand out entries: answered once the runner has noted how much the model had produced so far, so
   * that only what it produces afterwards counts as an answer to them
   */
  markReceived: { request: z.object({ turn: TurnId, mark: z.number().int() }), response: nothing },
  /** what the agent has done so far in its running turn; null when that does not run here */
  readTurnLog: { request: z.object({ turn: TurnId }), response: z.object({ log: TurnLog.nullable() }) },
  /** replaces the content of `/docs` */
  updateDocs: { request: z.object({ commit: ObjectId, files: z.array(FileToWrite) }), response: nothing },
} as const;

export type LinkCalls = Record<string, { request: z.ZodType; response: z.ZodType }>;
