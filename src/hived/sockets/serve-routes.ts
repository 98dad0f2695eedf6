/** Each route to its verb, at the socket of its caller: hive-web's, and the admin's own. */
import type { Examination } from "../../contract/examination.ts";
import type { Drift, Rotation } from "../../contract/forge.ts";
import { WaitingState } from "../../contract/message.ts";
import type { AgentName } from "../../contract/names.ts";
import { type ForgeWayIn, routes } from "../../contract/routes.ts";
import type { RequestOf, ResponseOf } from "../../contract/table.ts";
import type { Told } from "../../contract/told.ts";
import { serve } from "../../rpc/serve.ts";
import { listAgents, requireAgent, toAgent } from "../agents/agents.ts";
import { createMcpToken, listMcpTokens, revokeMcpToken } from "../agents/mcp-tokens.ts";
import { readApprovals } from "../approvals/approvals.ts";
import { readVersions } from "../approvals/history.ts";
import type { Canaries } from "../broker/canary.ts";
import { cancelTurn, changeConversation } from "../broker/conversation.ts";
import { countWaiting, newestWaiting } from "../broker/inbox.ts";
import type { Live } from "../broker/live.ts";
import { loginAgent } from "../broker/login.ts";
import { cancelEntry, cancelQueued, markRead, retryEntry, unparkAgent } from "../broker/operator.ts";
import { liftRest, restingPairs } from "../broker/pairs.ts";
import { readTurn, readTurns } from "../broker/turn-record.ts";
import type { Runner } from "../core.ts";
import { rebuildAgent, restartAgent } from "../lifecycle/restart.ts";
import type { OutsideMcp } from "../mcp/outside.ts";
import { answerQuestion } from "../questions/answer.ts";
import { beginForgeSignIn, type ForgeSignInParts, finishForgeSignIn } from "../sign-in/forge-sign-in.ts";
import { checkSession, createLink, isSignedIn, signIn, signOut } from "../sign-in/sign-in.ts";
import { openThreads } from "../threads/open-threads.ts";
import { troubledWork } from "../work/work.ts";
import { prepareSocket } from "./socket-directory.ts";
import { readState, type StateParts } from "./state.ts";
import { watchEvents } from "./watch-events.ts";
import { watchTurn } from "./watch-turn.ts";

export type RouteParts = StateParts & {
  sockets: { web: string; admin: string };
  dashboardUrl: string;
  runner: Pick<Runner, "call">;
  canaries: Pick<Canaries, "send">;
  live: Live;
  approvals: {
    approve(request: RequestOf<typeof routes.approve>): Promise<void>;
    deny(request: RequestOf<typeof routes.deny>): Promise<void>;
    askForRevert(agent: AgentName): Promise<void>;
  };
  lookInto: {
    prompt(agent: AgentName): Promise<Told>;
    examine(agent: AgentName): Promise<Examination>;
  };
  outsideMcp: Pick<OutsideMcp, "post">;
  /** where such clients reach it, on this machine */
  mcpUrl: string;
  forgeSignIn: ForgeSignInParts;
  forgeWayIn(): Promise<ForgeWayIn>;
  checkForge(): Promise<Drift[]>;
  repairForge(): Promise<{ repaired: Drift[]; left: string[] }>;
  rotateTokens(user: string | null): Promise<Rotation[]>;
  deliverWebhook(delivery: RequestOf<typeof routes.deliverWebhook>): Promise<ResponseOf<typeof routes.deliverWebhook>>;
};

/** Serves both sockets until they are closed. */
export async function serveRoutes(parts: RouteParts): Promise<{ close(): Promise<void> }> {
  const { core } = parts;
  const options = {
    checkSession: (session: string) => checkSession(core, session),
    onBug: (error: unknown, route: string) => core.log.error({ err: error, route }, "a route failed"),
  };
  prepareSocket(parts.sockets.web);
  const web = await serve(routes, "web", parts.sockets.web, webHandlers(parts), options);
  prepareSocket(parts.sockets.admin);
  const admin = await serve(routes, "admin", parts.sockets.admin, adminHandlers(parts), options);
  return {
    async close() {
      await Promise.all([web.close(), admin.close()]);
    },
  };
}

/** What the operator does on the page and on the command line alike. */
const operatorHandlers = (parts: RouteParts) => {
  const { core } = parts;
  return {
    readWaiting: (request: RequestOf<typeof routes.readWaiting>) =>
      core.db.read((reader) => ({
        entries: WaitingState.options.flatMap((state) => newestWaiting(reader, state, request)),
        counts: countWaiting(reader),
      })),
    readTurns: (request: RequestOf<typeof routes.readTurns>) => core.db.read((reader) => readTurns(reader, request)),
    readTurn: ({ agent, turn }: RequestOf<typeof routes.readTurn>) =>
      core.db.read((reader) => readTurn(reader, agent, turn)),
    sendCanary: async ({ agent }: RequestOf<typeof routes.sendCanary>) => ({
      canaries: await parts.canaries.send(agent),
    }),
    retryEntry: ({ entry }: RequestOf<typeof routes.retryEntry>) => retryEntry(core, entry),
    cancelEntry: ({ entry }: RequestOf<typeof routes.cancelEntry>) => cancelEntry(core, entry),
    cancelQueued: async ({ agent }: RequestOf<typeof routes.cancelQueued>) => ({
      cancelled: await cancelQueued(core, agent),
    }),
    markRead: ({ entries }: RequestOf<typeof routes.markRead>) => done(markRead(core, entries)),
    readApprovals: ({ number }: RequestOf<typeof routes.readApprovals>) =>
      core.db.read((reader) => ({ approvals: readApprovals(reader, number) })),
    approve: (request: RequestOf<typeof routes.approve>) => done(parts.approvals.approve(request)),
    deny: (request: RequestOf<typeof routes.deny>) => done(parts.approvals.deny(request)),
    readVersions: (request: RequestOf<typeof routes.readVersions>) =>
      core.db.read((reader) => readVersions(reader, request)),
    revertAgent: ({ agent }: RequestOf<typeof routes.revertAgent>) => done(parts.approvals.askForRevert(agent)),
    cancelTurn: ({ agent, requeues }: RequestOf<typeof routes.cancelTurn>) => done(cancelTurn(parts, agent, requeues)),
    changeConversation: ({ agent, change }: RequestOf<typeof routes.changeConversation>) =>
      done(changeConversation(parts, agent, change)),
    answerQuestion: (request: RequestOf<typeof routes.answerQuestion>) => answerQuestion(core, "operator", request),
    readThreads: ({ viewer, offset }: RequestOf<typeof routes.readThreads>) =>
      core.db.read((reader) =>
        openThreads(reader, viewer === "operator" ? viewer : requireAgent(reader, viewer).name, offset),
      ),
    restartAgent: async (wanted: RequestOf<typeof routes.restartAgent>) => ({
      said: await restartAgent(core, "operator", wanted),
    }),
    rebuildAgent: async ({ agent }: RequestOf<typeof routes.rebuildAgent>) => ({
      said: await rebuildAgent(core, "operator", agent),
    }),
    loginAgent: ({ agent, step }: RequestOf<typeof routes.loginAgent>) => loginAgent(parts, agent, step),
    unparkAgent: ({ agent }: RequestOf<typeof routes.unparkAgent>) => done(unparkAgent(core, agent)),
    liftPairRest: ({ one, other }: RequestOf<typeof routes.liftPairRest>) => done(liftRest(core, one, other)),
  };
};

const done = async (verb: Promise<void>): Promise<Record<string, never>> => {
  await verb;
  return {};
};

const webHandlers = (parts: RouteParts): Parameters<typeof serve<typeof routes, "web">>[3] => {
  const { core } = parts;
  return {
    signIn: (request) => signIn(core, request),
    beginForgeSignIn: () => beginForgeSignIn(parts.forgeSignIn),
    finishForgeSignIn: (returned) => finishForgeSignIn(parts.forgeSignIn, returned),
    async signOut(_request, _signal, session) {
      await signOut(core, session);
      return {};
    },
    readState: () => readState(parts),
    watchEvents: ({ after }, signal, session) =>
      watchEvents(core, { after, signal, isAllowed: () => isSignedIn(core, session) }),
    watchTurn: ({ turn }, signal, session) =>
      watchTurn(parts, { turn, signal, isAllowed: () => isSignedIn(core, session) }),
    ...operatorHandlers(parts),
    deliverWebhook: (delivery) => parts.deliverWebhook(delivery),
    async postMcp({ token, message }) {
      const { status, body = null } = await parts.outsideMcp.post(token, message);
      return { status, body };
    },
  };
};

const adminHandlers = (parts: RouteParts): Parameters<typeof serve<typeof routes, "admin">>[3] => {
  const { core } = parts;
  return {
    ...operatorHandlers(parts),
    async reconcile() {
      await core.db.write((tx) => core.scheduler.enqueue(tx, "reconcile", ""));
      return {};
    },
    async createSignInLink() {
      const forge = await parts.forgeWayIn();
      return { ...(await createLink(core, parts.dashboardUrl)), forge };
    },
    createMcpToken: async ({ agent }) => ({ ...(await createMcpToken(core, agent)), url: parts.mcpUrl }),
    readMcpTokens: () => ({ tokens: listMcpTokens(core) }),
    revokeMcpToken: ({ id }) => done(revokeMcpToken(core, id)),
    checkForge: async () => ({ drift: await parts.checkForge() }),
    repairForge: () => parts.repairForge(),
    readAgentPrompt: ({ agent }) => parts.lookInto.prompt(agent),
    examineAgent: ({ agent }) => parts.lookInto.examine(agent),
    rotateTokens: async ({ user }) => ({ rotations: await parts.rotateTokens(user) }),
    readStatus: () => ({
      database: core.db.problem(),
      forge: parts.forgeHealth(),
      dashboardUrl: parts.dashboardUrl,
      ...core.db.read((reader) => ({
        agents: listAgents(reader).map(toAgent),
        restingPairs: restingPairs(reader),
        troubles: troubledWork(reader),
      })),
    }),
  };
};
