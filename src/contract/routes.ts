/** The one table of routes of hived and of the supervisor, read by server and client alike. */
import { z } from "zod";
import { Agent } from "./agent.ts";
import { Approval } from "./approval.ts";
import { Canary } from "./canary.ts";
import { ConversationChange } from "./conversation.ts";
import { Examination } from "./examination.ts";
import { Event, ForgeHealth, StorageTrouble, WorkTrouble } from "./facts.ts";
import { HiveState } from "./fold.ts";
import { Drift, Rotation } from "./forge.ts";
import { LoginAnswer, LoginStep } from "./login.ts";
import { McpToken } from "./mcp-token.ts";
import { InboxEntry, WaitingEntry, WaitingState } from "./message.ts";
import { Address, AgentName, EntryId, EpochMs, ObjectId, Sequence, TurnId } from "./names.ts";
import { Pair } from "./pair.ts";
import { Question } from "./question.ts";
import { table } from "./table.ts";
import { ThreadPage } from "./thread.ts";
import { Told } from "./told.ts";
import { Turn, TurnRecord } from "./turn.ts";
import { LiveBatch, TurnLog } from "./turn-log.ts";
import { AgentVersion } from "./version.ts";

const nothing = z.object({});

/** A verb of the operator: on the page, where somebody is signed in, and on the command line. */
const operatorsVerb = <Request extends z.ZodType, Response extends z.ZodType>(request: Request, response: Response) =>
  ({ callers: ["web", "admin"], signedIn: true, request, response }) as const;

/** Secrets travel as they are between our processes; hived stores only their hashes. */
export const Secret = z.string().min(32).max(128);

/** How the operator gets into the forge's pages for the first time. */
export const ForgeWayIn = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("link"), url: z.string() }),
  /** `file` is 0600 and holds the first password */
  z.object({ kind: z.literal("password"), user: z.string(), file: z.string() }),
  z.object({ kind: z.literal("own"), user: z.string() }),
]);
export type ForgeWayIn = z.infer<typeof ForgeWayIn>;

export const routes = table({
  /** exchanges a one-time link's secret for a session */
  signIn: {
    callers: ["web"],
    request: z.object({ secret: z.string().max(128), address: z.string() }),
    response: z.object({ session: Secret, expiresAt: EpochMs }),
  },
  /** `url` is the forge's, for the browser; `ticket` is kept in a cookie until it comes back */
  beginForgeSignIn: {
    callers: ["web"],
    request: nothing,
    response: z.object({ url: z.string(), ticket: Secret, expiresAt: EpochMs }),
  },
  /** exchanges what the forge sent the browser back with, the query of its address, for a session */
  finishForgeSignIn: {
    callers: ["web"],
    request: z.object({ ticket: z.string().max(128), answer: z.string().max(4000), address: z.string() }),
    response: z.object({ session: Secret, expiresAt: EpochMs }),
  },
  signOut: { callers: ["web"], signedIn: true, request: nothing, response: nothing },
  /** the state at its sequence number, from one read transaction */
  readState: { callers: ["web"], signedIn: true, request: nothing, response: HiveState },
  /** every event after a sequence number, then each new one as it is committed; `resync` when that is too long ago */
  watchEvents: {
    callers: ["web"],
    signedIn: true,
    stream: true,
    request: z.object({ after: Sequence }),
    response: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("event"), event: Event }),
      /** whether anything can be stored has changed; a stream begins with all well */
      z.object({ kind: z.literal("storage"), trouble: StorageTrouble.nullable() }),
      z.object({ kind: z.literal("resync") }),
    ]),
  },
  /** the newest entries in each of the states that wait for something, at most `limit` each, and how many there are in all */
  readWaiting: {
    callers: ["web", "admin"],
    signedIn: true,
    request: z.object({ recipient: Address.nullable(), limit: z.number().int().min(1).max(200).default(50) }),
    response: z.object({ entries: z.array(WaitingEntry), counts: z.record(WaitingState, z.number().int()) }),
  },
  /** an agent's turns, newest first, of those before `before`, or the newest of all; `more`: there are older ones */
  readTurns: operatorsVerb(
    z.object({
      agent: AgentName,
      before: TurnId.nullable().default(null),
      limit: z.number().int().min(1).max(200).default(50),
    }),
    z.object({ turns: z.array(Turn), more: z.boolean() }),
  ),
  /** one turn of an agent; `turn` is its id, or as much of its beginning as no other turn of that agent has */
  readTurn: operatorsVerb(z.object({ agent: AgentName, turn: z.string().max(100) }), TurnRecord),
  /** the log of a running turn, then what the agent does as it does it; a log that comes again takes the place of all */
  watchTurn: {
    callers: ["web"],
    signedIn: true,
    stream: true,
    request: z.object({ turn: TurnId }),
    response: z.discriminatedUnion("kind", [
      z.object({ kind: z.literal("log"), log: TurnLog }),
      z.object({ kind: z.literal("batch"), batch: LiveBatch }),
    ]),
  },
  /** sends a canary to an agent's loop, or to all that are up and in no turn; answered when each is well or has failed */
  sendCanary: operatorsVerb(
    z.object({ agent: AgentName.nullable() }),
    z.object({ canaries: z.array(z.object({ agent: AgentName, canary: Canary })) }),
  ),
  /** queues a dead letter again, or what was cancelled */
  retryEntry: operatorsVerb(z.object({ entry: EntryId }), InboxEntry),
  /** gives up what is queued or dead */
  cancelEntry: operatorsVerb(z.object({ entry: EntryId }), InboxEntry),
  /** the same for all that is queued for an agent */
  cancelQueued: operatorsVerb(z.object({ agent: AgentName }), z.object({ cancelled: z.number().int() })),
  /** entries of the operator's inbox */
  markRead: operatorsVerb(z.object({ entries: z.array(EntryId).min(1).max(1000) }), nothing),
  /** ends an agent's running turn; `requeues`: its messages are queued again, not given up. Events tell how it ended. */
  cancelTurn: operatorsVerb(z.object({ agent: AgentName, requeues: z.boolean().default(false) }), nothing),
  /** changes the conversation of an agent that is in no turn; answered when it is done, or when it takes long */
  changeConversation: operatorsVerb(z.object({ agent: AgentName, change: ConversationChange }), nothing),
  /** starts an agent's process anew after its running turn, or `now`; `said` is a sentence about what happens */
  restartAgent: operatorsVerb(
    z.object({ agent: AgentName, now: z.boolean().default(false) }),
    z.object({ said: z.string() }),
  ),
  /** makes an agent anew from what `main` wants, a version that failed once more */
  rebuildAgent: operatorsVerb(z.object({ agent: AgentName }), z.object({ said: z.string() })),
  /** signs an agent in with its provider, step by step; once it is, it goes on */
  loginAgent: operatorsVerb(z.object({ agent: AgentName, step: LoginStep }), LoginAnswer),
  /** lets a parked agent go on: the operator has seen to what stood in its way */
  unparkAgent: operatorsVerb(z.object({ agent: AgentName }), nothing),
  /** what is open, oldest first; or the one of that number, if there is one, open or not */
  readApprovals: operatorsVerb(
    z.object({ number: z.number().int().positive().nullable() }),
    z.object({ approvals: z.array(Approval) }),
  ),
  /** with the operator's token on the forge: approves exactly this head */
  approve: operatorsVerb(z.object({ number: z.number().int().positive(), head: ObjectId }), nothing),
  /** with the operator's token on the forge: says why, and closes the pull request */
  deny: operatorsVerb(
    z.object({ number: z.number().int().positive(), reason: z.string().trim().min(1).max(5_000) }),
    nothing,
  ),
  /** an agent's versions, newest first; `more`: there are older ones */
  readVersions: operatorsVerb(
    z.object({ agent: AgentName, limit: z.number().int().min(1).max(200).default(20) }),
    z.object({ versions: z.array(AgentVersion), more: z.boolean() }),
  ),
  /** puts an agent's directory on `main` back to the version that runs; events tell how that goes */
  revertAgent: operatorsVerb(z.object({ agent: AgentName }), nothing),
  /** lets two agents write to each other that rest after too many letters */
  liftPairRest: operatorsVerb(z.object({ one: AgentName, other: AgentName }), nothing),
  /** answers an agent's question, or one between agents, as the operator; `answer` as in a comment behind `/answer` */
  answerQuestion: operatorsVerb(z.object({ question: z.number().int(), answer: z.string().max(20_000) }), Question),
  /** what still waits for somebody, oldest first, a page at a time, from the one behind `offset` on */
  readThreads: operatorsVerb(
    z.object({
      viewer: z.union([AgentName, z.literal("operator")]),
      offset: z.number().int().min(0).max(1_000_000).default(0),
    }),
    ThreadPage,
  ),
  /** a delivery of the forge, as it came: hived verifies it over these very bytes */
  deliverWebhook: {
    callers: ["web"],
    request: z.object({
      id: z.string().max(200),
      event: z.string().max(200),
      signature: z.string().max(200),
      body: z.string(),
    }),
    response: z.object({ accepted: z.boolean() }),
  },
  /** a posted message of an MCP client outside of a sandbox; `status` and `body` are of the HTTP answer */
  postMcp: {
    callers: ["web"],
    request: z.object({ token: z.string().max(200), message: z.unknown() }),
    response: z.object({ status: z.number().int(), body: z.unknown() }),
  },
  /** a token for such clients of an agent: told this once */
  createMcpToken: {
    callers: ["admin"],
    request: z.object({ agent: AgentName }),
    response: z.object({ id: z.number().int(), token: z.string(), url: z.string() }),
  },
  readMcpTokens: { callers: ["admin"], request: nothing, response: z.object({ tokens: z.array(McpToken) }) },
  revokeMcpToken: { callers: ["admin"], request: z.object({ id: z.number().int() }), response: nothing },
  /** the forge or hive-web was away, so that webhooks may be lost: hived looks for what has changed */
  reconcile: { callers: ["admin"], request: nothing, response: nothing },
  createSignInLink: {
    callers: ["admin"],
    request: nothing,
    response: z.object({ url: z.string(), expiresAt: EpochMs, forge: ForgeWayIn }),
  },
  /** looks at all that provisioning makes on the forge, and changes nothing */
  checkForge: { callers: ["admin"], request: nothing, response: z.object({ drift: z.array(Drift) }) },
  /** provisions the forge now; `left` are sentences about what only the operator can do */
  repairForge: {
    callers: ["admin"],
    request: nothing,
    response: z.object({ repaired: z.array(Drift), left: z.array(z.string()) }),
  },
  /** gives a user of the hive a new token on the forge; null: each of them */
  rotateTokens: {
    callers: ["admin"],
    request: z.object({ user: z.string().nullable() }),
    response: z.object({ rotations: z.array(Rotation) }),
  },
  /** what an agent is told at the start of its next conversation */
  readAgentPrompt: {
    callers: ["admin"],
    request: z.object({ agent: AgentName }),
    response: Told,
  },
  /** tries all that an agent needs, where it runs; takes as long as its slowest part, half a minute at most */
  examineAgent: { callers: ["admin"], request: z.object({ agent: AgentName }), response: Examination },
  readStatus: {
    callers: ["admin"],
    request: nothing,
    response: z.object({
      /** why nothing, or nothing new, can be stored just now; null when all is well */
      database: z.string().nullable(),
      forge: ForgeHealth,
      dashboardUrl: z.string(),
      agents: z.array(Agent),
      restingPairs: z.array(Pair),
      troubles: z.array(WorkTrouble),
    }),
  },
});

/** One child of the supervisor. */
export const Process = z.object({
  name: z.string(),
  pid: z.number().int().nullable(),
  health: z.enum(["starting", "ready", "restarting", "stopping", "stopped"]),
  restarts: z.number().int(),
  since: EpochMs,
  problem: z.string().nullable(),
  /** what it said of itself when it was ready; a sentence */
  note: z.string().nullable(),
});
export type Process = z.infer<typeof Process>;

/** What `hive down` and `hive status` ask of a running `hive up`. */
export const upRoutes = table({
  readProcesses: { callers: ["up"], request: nothing, response: z.object({ processes: z.array(Process) }) },
  stopHive: { callers: ["up"], request: nothing, response: nothing },
});
