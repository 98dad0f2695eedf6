/** A hive-web in this process, before a fake hived that serves the `web` rows at a real socket. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Event, Fact, StorageTrouble } from "../../src/contract/facts.ts";
import { emptyState, fold } from "../../src/contract/fold.ts";
import type { EntryState, InboxEntry } from "../../src/contract/message.ts";
import { type EntryId, EpochMs, Sequence } from "../../src/contract/names.ts";
import { Refusal } from "../../src/contract/refusal.ts";
import { routes } from "../../src/contract/routes.ts";
import type { Turn, TurnMessage } from "../../src/contract/turn.ts";
import { addToLog, emptyLog, type LiveBatch, type LiveEvent, type TurnLog } from "../../src/contract/turn-log.ts";
import type { AgentVersion } from "../../src/contract/version.ts";
import { openLog } from "../../src/daemon/log.ts";
import { readAssets } from "../../src/hive-web/assets.ts";
import { siteOf } from "../../src/hive-web/headers.ts";
import { openWeb } from "../../src/hive-web/serve.ts";
import { type Handlers, serve } from "../../src/rpc/serve.ts";

export const goodSecret = "a".repeat(43);
export const goodToken = "hive_mcp_good";
const goodTicket = "t".repeat(43);
export const goodAnswer = "?code=c&state=s";
export const goodSession = "s".repeat(43);

type Asked = { method?: string; path: string; headers?: Record<string, string>; body?: string | Buffer };
type Answered = { status: number; headers: IncomingMessage["headers"]; text: string };

/** What hived was asked, and the log of events that it serves. */
class FakeHived {
  readonly posted: { token: string; message?: unknown }[] = [];
  readonly deliveries: { id: string; event: string; signature: string; body: string }[] = [];
  readonly signIns: { secret: string; address: string }[] = [];
  /** one for each stream that was opened: after which event, and how many were taken from it since */
  storage: StorageTrouble | null = null;
  readonly watching: { after: number; taken: number }[] = [];
  readonly events: Event[] = [];
  /** what the operator had done with entries, in order */
  refuseVerbs = false;
  readonly verbs: { name: string; request: unknown }[] = [];
  /** asked for anything before this number, the stream says `resync` */
  oldest = 0;
  calls = 0;
  /** turns before those that the state holds, newest first */
  olderTurns: Turn[] = [];
  versions: AgentVersion[] = [];
  /** what every turn holds, and what its agent has done in it */
  held: TurnMessage[] = [];
  log: TurnLog = emptyLog;
  /** streams of turns that were opened, and batches that were taken from them */
  watchingTurns = 0;
  shownBatches = 0;
  readonly #batches: LiveBatch[] = [];
  #tell = new Set<() => void>();
  #server: { close(): Promise<void> } | undefined;
  #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  append(...texts: string[]): void {
    this.publish(...texts.map((text): Fact => ({ kind: "Note", text })));
  }

  /** The database can't be written, or can again. */
  trouble(storage: StorageTrouble | null): void {
    this.storage = storage;
    for (const tell of this.#tell) tell();
  }

  publish(...facts: Fact[]): void {
    for (const fact of facts) {
      const sequence = Sequence.parse(this.events.length + 1);
      this.events.push({ sequence, at: EpochMs.parse(Date.now()), fact });
    }
    for (const tell of this.#tell) tell();
  }

  async start(): Promise<void> {
    const noted = (name: string) => (request: unknown) => {
      this.verbs.push({ name, request });
      return {};
    };
    const counted = <Result>(result: Result) => {
      this.calls += 1;
      return result;
    };
    const handlers: Handlers<typeof routes, "web"> = {
      signIn: (request) => {
        this.signIns.push(request);
        if (request.secret !== goodSecret) throw new Refusal("not_signed_in", "This link is used up.", "Get another.");
        return { session: goodSession, expiresAt: EpochMs.parse(Date.now() + 3_600_000) };
      },
      beginForgeSignIn: () => {
        const expiresAt = EpochMs.parse(Date.now() + 600_000);
        return { url: "http://127.0.0.1:3000/login/oauth/authorize", ticket: goodTicket, expiresAt };
      },
      finishForgeSignIn: ({ ticket, answer }) => {
        if (ticket !== goodTicket || answer !== goodAnswer)
          throw new Refusal("forge_sign_in_refused", "This is no answer of the forge.", "Try again.");
        return { session: goodSession, expiresAt: EpochMs.parse(Date.now() + 3_600_000) };
      },
      signOut: () => counted({}),
      readState: () => counted(this.events.reduce(fold, emptyState)),
      watchEvents: ({ after }, signal) => this.#watch(after, signal),
      readWaiting: () => counted({ entries: [], counts: { queued: 0, leased: 0, dead: 0 } }),
      readTurns: ({ agent, before, limit }) => {
        const all = this.#turns().filter((turn) => turn.agent === agent);
        const from = before === null ? 0 : all.findIndex(({ id }) => id === before) + 1;
        return counted({ turns: all.slice(from, from + limit), more: all.length > from + limit });
      },
      readTurn: ({ turn: id }) => {
        const turn = this.#turns().find((each) => each.id === id);
        if (!turn) throw new Refusal("unknown_turn", "There is no such turn.", "Look at the list.");
        return counted({ turn, messages: this.held, log: turn.endedAt === null ? null : this.log });
      },
      watchTurn: (_request, signal) => this.#watchTurn(signal),
      sendCanary: ({ agent }) => {
        this.verbs.push({ name: "sendCanary", request: { agent } });
        return { canaries: [] };
      },
      retryEntry: (request) => this.#change("retryEntry", request, "queued"),
      cancelEntry: (request) => this.#change("cancelEntry", request, "cancelled"),
      cancelQueued: (request) => {
        if (this.refuseVerbs) throw new Refusal("not_now", "Not now.", "Try later.");
        this.verbs.push({ name: "cancelQueued", request });
        return { cancelled: 1 };
      },
      markRead: ({ entries }) => {
        for (const entry of entries) this.#change("markRead", { entry }, "read");
        return {};
      },
      cancelTurn: noted("cancelTurn"),
      changeConversation: noted("changeConversation"),
      liftPairRest: (request) => {
        this.verbs.push({ name: "liftPairRest", request });
        this.publish({ kind: "PairChanged", pair: { ...request, restsUntil: null } });
        return {};
      },
      readApprovals: () => counted({ approvals: [] }),
      approve: noted("approve"),
      deny: noted("deny"),
      readVersions: () => counted({ versions: this.versions, more: false }),
      revertAgent: noted("revertAgent"),
      readThreads: () => counted({ threads: [], totals: { approval: 0, question: 0, pr: 0 } }),
      answerQuestion: (request) => {
        this.verbs.push({ name: "answerQuestion", request });
        const asked = this.events.reduce(fold, emptyState).questions.find(({ id }) => id === request.question);
        if (!asked) throw new Refusal("unknown_question", "There is no such question.", "Look at the list.");
        const question = { ...asked, state: "closed" as const, outcome: "answered" as const, answer: request.answer };
        this.publish({ kind: "QuestionChanged", question });
        return question;
      },
      restartAgent: async () => ({ said: "It is started anew." }),
      rebuildAgent: async () => ({ said: "It is made anew." }),
      loginAgent: (request) => {
        this.verbs.push({ name: "loginAgent", request });
        return { url: request.step.kind === "link" ? "https://claude.example/authorize" : null };
      },
      unparkAgent: noted("unparkAgent"),
      postMcp: (posted) => {
        this.posted.push(posted);
        if (posted.token !== goodToken) throw new Refusal("bad_token", "This token is not known.", "Ask for one.");
        return { status: 200, body: { jsonrpc: "2.0", id: 1, result: {} } };
      },
      deliverWebhook: (delivery) => {
        this.deliveries.push(delivery);
        return { accepted: true };
      },
    } as Handlers<typeof routes, "web">;
    const checkSession = (session: string) => {
      if (session !== goodSession) throw new Refusal("not_signed_in", "Nobody is signed in.", "Open a sign-in link.");
    };
    this.#server = await serve(routes, "web", this.#path, handlers, {
      checkSession,
      onBug: (error) => {
        throw error;
      },
    });
  }

  /** Newest first, those that the state does not hold any more behind. */
  #turns(): Turn[] {
    const { turns } = this.events.reduce(fold, emptyState);
    return [...turns.toReversed(), ...this.olderTurns];
  }

  /** An agent does something in its turn. */
  show(...events: LiveEvent[]): void {
    this.log = addToLog(this.log, { number: this.log.newest + 1, at: EpochMs.parse(Date.now()), events });
    this.#batches.push({ number: this.log.newest, at: EpochMs.parse(Date.now()), events });
    for (const tell of this.#tell) tell();
  }

  async *#watchTurn(signal: AbortSignal) {
    this.watchingTurns += 1;
    yield [{ id: null, data: { kind: "log" as const, log: this.log } }];
    for (let { newest } = this.log; !signal.aborted; ) {
      const due = this.#batches.filter(({ number }) => number > newest);
      newest = due.at(-1)?.number ?? newest;
      if (due.length === 0) await this.#news(signal);
      else {
        yield due.map((batch) => ({ id: null, data: { kind: "batch" as const, batch } }));
        this.shownBatches += due.length;
      }
    }
  }

  /** Changes an entry as hived does: it is in the answer, and in the stream. */
  #change(name: string, request: { entry: EntryId }, state: EntryState): InboxEntry {
    this.verbs.push({ name, request });
    const before = this.events.reduce(fold, emptyState).entries.find(({ id }) => id === request.entry);
    if (!before) throw new Refusal("unknown_entry", `There is no inbox entry ${request.entry}.`, "Look again.");
    const entry = { ...before, state };
    this.publish({ kind: "EntryChanged", entry });
    return entry;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async *#watch(after: number, signal: AbortSignal) {
    const stream = { after, taken: 0 };
    this.watching.push(stream);
    if (after < this.oldest) {
      yield [{ id: null, data: { kind: "resync" as const } }];
      return;
    }
    for (let told: StorageTrouble | null = null; !signal.aborted; ) {
      const from = after + stream.taken;
      const due = this.events.slice(from, from + 10);
      stream.taken += due.length;
      const trouble = this.storage;
      if (trouble !== told) {
        told = trouble;
        yield [{ id: null, data: { kind: "storage" as const, trouble } }];
      }
      if (due.length === 0) await this.#news(signal);
      else yield due.map((event) => ({ id: event.sequence, data: { kind: "event" as const, event } }));
    }
  }

  async #news(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#tell.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
}

type Options = {
  dashboardUrl?: string;
  /** files of a front end, or the directory of a built one */
  assets?: Record<string, string> | string;
  port?: number;
};

export async function startWeb(options: Options = {}) {
  const top = mkdtempSync("/tmp/hive-web-");
  const given = options.assets ?? { "index.html": "<title>front</title>", "assets/app-1.js": "run()" };
  const assets = typeof given === "string" ? {} : given;
  for (const [path, content] of Object.entries(assets)) {
    mkdirSync(join(top, "dist", path, ".."), { recursive: true });
    writeFileSync(join(top, "dist", path), content);
  }
  const dist = typeof given === "string" ? given : join(top, "dist");
  const hived = new FakeHived(join(top, "web.sock"));
  await hived.start();
  const dashboardUrl = options.dashboardUrl ?? "http://hive.localhost:7777";
  const site = siteOf(dashboardUrl, "http://127.0.0.1:7777/hook");
  const log = openLog("hive-web");
  log.level = "silent";
  const web = openWeb({ site, assets: readAssets(dist), webSocket: join(top, "web.sock"), log });
  await new Promise<void>((resolve) => web.server.listen(options.port ?? 0, "127.0.0.1", () => resolve()));
  const { port } = web.server.address() as AddressInfo;

  const open = (asked: Asked) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = httpRequest(
        { port, host: "127.0.0.1", method: asked.method ?? "GET", path: asked.path, headers: asked.headers ?? {} },
        resolve,
      );
      sent.once("error", reject);
      sent.end(asked.body);
    });
  const ask = async (asked: Asked): Promise<Answered> => {
    const response = await open(asked);
    let text = "";
    for await (const chunk of response) text += chunk;
    return { status: response.statusCode ?? 0, headers: response.headers, text };
  };
  const page = { host: site.host, origin: site.origin, "sec-fetch-site": "same-origin" };
  const signedIn = { ...page, cookie: `hive-session=${goodSession}` };
  return {
    hived,
    site,
    port,
    open,
    ask,
    /** headers of a request of the dashboard's own script, and of one that is signed in */
    page,
    signedIn,
    post: (path: string, body: unknown, headers: Record<string, string> = signedIn) =>
      ask({
        method: "POST",
        path,
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      }),
    /** every connection breaks, as when hive-web restarts */
    breakConnections: () => web.server.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      await web.stop();
      await hived.stop();
      rmSync(top, { recursive: true });
    },
  };
}

/** Reads a stream until it has shown so many events, beside those of hive-web itself; fails when it ends before. */
export async function readEvents(response: IncomingMessage, count: number): Promise<{ id: string; data: unknown }[]> {
  let text = "";
  for await (const chunk of response) {
    text += chunk;
    const events = text
      .split("\n\n")
      .slice(0, -1)
      .filter((event) => event.includes("data: ") && !event.includes("event: "));
    if (events.length >= count) return events.map(parseEvent);
  }
  throw new Error(`the stream ended after: ${text}`);
}

function parseEvent(text: string): { id: string; data: unknown } {
  const line = (name: string) => text.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1] ?? "";
  return { id: line("id"), data: JSON.parse(line("data")) };
}

/** Fails a test that waits for something that never comes, with a name instead of a time-out. */
export const within = async <Result>(ms: number, what: string, result: Promise<Result>): Promise<Result> =>
  Promise.race([
    result,
    delay(ms, undefined, { ref: false }).then(() => {
      throw new Error(`${what} did not happen within ${ms} ms`);
    }),
  ]);
