import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { AgentName, EntryId } from "../../src/contract/names.ts";
import { routes } from "../../src/contract/routes.ts";
import type { ResponseOf } from "../../src/contract/table.ts";
import { openLive } from "../../src/hived/broker/live.ts";
import { send } from "../../src/hived/broker/send.ts";
import { type RouteParts, serveRoutes } from "../../src/hived/sockets/serve-routes.ts";
import { client } from "../../src/rpc/client.ts";
import { openFrames, openStreamPool } from "../../src/rpc/stream.ts";
import { addIdleAgent, newest, openCore, type TestCore } from "../support/open-core.ts";

const forge = {
  kind: "embedded" as const,
  url: "http://forge.test",
  version: "1",
  problem: null,
  hookProblem: null,
  catchingUp: null,
};

const partsOf = (core: TestCore): RouteParts => ({
  core,
  sockets: { web: join(core.directory, "web", "web.sock"), admin: join(core.directory, "admin", "admin.sock") },
  dashboardUrl: "http://hive.localhost:7000/",
  forgeHealth: () => forge,
  runner: { call: () => Promise.reject(new Fault("no runner is connected")) },
  canaries: { send: async () => [] },
  live: openLive(),
  approvals: { approve: async () => undefined, deny: async () => undefined, askForRevert: async () => undefined },
  lookInto: {
    prompt: () => Promise.reject(new Fault("no runner is connected")),
    examine: () => Promise.reject(new Fault("no runner is connected")),
  },
  outsideMcp: { post: async () => ({ status: 202 }) },
  mcpUrl: "http://127.0.0.1:7000/mcp",
  forgeSignIn: { core, forgeUrl: "http://127.0.0.1:9", client: () => undefined },
  forgeWayIn: async () => ({ kind: "own", user: "operator" }),
  checkForge: async () => [],
  repairForge: async () => ({ repaired: [], left: [] }),
  rotateTokens: async () => [],
  newestQuestions: () => [],
  openThreads: () => ({ threads: [], totals: { approval: 0, question: 0, pr: 0 } }),
  deliverWebhook: async () => ({ accepted: true }),
});

/** hived's two sockets, with a client at each and a session that is signed in. */
async function openSockets(keptEvents?: number) {
  const core = openCore(undefined, keptEvents);
  const parts = partsOf(core);
  const server = await serveRoutes(parts);
  const web = client(routes, "web", parts.sockets.web);
  const admin = client(routes, "admin", parts.sockets.admin);
  const signIn = async () => {
    const { url } = await admin.createSignInLink({});
    return web.signIn({ secret: secretIn(url), address: "127.0.0.1" });
  };
  const pool = openStreamPool(parts.sockets.web);
  const closing = new AbortController();
  return {
    core,
    parts,
    web,
    admin,
    signIn,
    /** Follows the events after a place; each item is what one event of the stream carries. */
    async watch(after: number, session: string) {
      const frames = await openFrames(pool, "watchEvents", { after }, { session, signal: closing.signal });
      return items(frames);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.all([web.close(), admin.close(), pool.destroy()]);
      await server.close();
      await core[Symbol.asyncDispose]();
    },
  };
}

const secretIn = (url: string) => /^http:\/\/hive\.localhost:7000\/#sign-in=(.{43})$/.exec(url)?.[1] ?? "";
const refusal = (code: string) => expect.objectContaining({ name: "Refusal", code });
const note = (core: TestCore, text: string) =>
  core.db.write((tx) => core.events.append(tx, { kind: "Note", text }, core.clock.now()));

type Item = ResponseOf<typeof routes.watchEvents>;

async function* items(frames: AsyncIterable<string>): AsyncGenerator<Item> {
  for await (const text of frames) {
    for (const [, data] of text.matchAll(/^data: (.*)$/gm)) yield JSON.parse(data ?? "") as Item;
  }
}

async function take(stream: AsyncGenerator<Item>, count: number): Promise<Item[]> {
  const taken: Item[] = [];
  while (taken.length < count) {
    const { done, value } = await stream.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

const textOf = (item: Item | undefined) =>
  item?.kind === "event" && item.event.fact.kind === "Note" ? item.event.fact.text : item?.kind;

test("a one-time link lets its bearer in once", async () => {
  await using hive = await openSockets();
  const { url } = await hive.admin.createSignInLink({});
  const secret = secretIn(url);
  const { session } = await hive.web.signIn({ secret, address: "" });
  await hive.web.readState({}, { session });
  await expect(hive.web.signIn({ secret, address: "" })).rejects.toEqual(refusal("link_not_valid"));
});

test("a link is of no use after five minutes", async () => {
  await using hive = await openSockets();
  const { url, expiresAt } = await hive.admin.createSignInLink({});
  expect(expiresAt).toBe(hive.core.clock.now() + 5 * 60_000);
  hive.core.clock.advance(5 * 60_000);
  await expect(hive.web.signIn({ secret: secretIn(url), address: "" })).rejects.toEqual(refusal("link_not_valid"));
});

test("the database holds no secret, only hashes", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const { url } = await hive.admin.createSignInLink({});
  const rows = hive.core.db.read((reader) => [
    ...reader.all<{ hash: string }>("SELECT hash FROM sessions"),
    ...reader.all<{ hash: string }>("SELECT hash FROM sign_in_links"),
  ]);
  expect(rows).toHaveLength(2);
  for (const { hash } of rows) expect([session, secretIn(url)]).not.toContain(hash);
});

test("the operator's verbs are there on the page, for who is signed in, and on the command line", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  await addIdleAgent(hive.core, "alice");
  await send(hive.core, { from: "operator", to: "alice", body: "hello" });
  const entry = EntryId.parse(1);
  await expect(hive.web.cancelEntry({ entry })).rejects.toEqual(refusal("not_signed_in"));
  expect(await hive.web.cancelEntry({ entry }, { session })).toMatchObject({ state: "cancelled" });
  expect(await hive.admin.retryEntry({ entry })).toMatchObject({ state: "queued" });
  expect(await hive.admin.readWaiting({ recipient: null })).toMatchObject({
    entries: [{ from: "operator", beginning: "hello", entry: { id: entry, state: "queued" } }],
    counts: { queued: 1, leased: 0, dead: 0 },
  });
  expect(await hive.web.cancelQueued({ agent: AgentName.parse("alice") }, { session })).toEqual({ cancelled: 1 });
  await expect(hive.admin.cancelTurn({ agent: "alice" })).rejects.toEqual(refusal("no_turn"));
  const compact = { agent: "alice", change: { kind: "compact" } } as const;
  await expect(hive.web.changeConversation(compact)).rejects.toEqual(refusal("not_signed_in"));
  await expect(hive.web.changeConversation(compact, { session })).rejects.toMatchObject({ name: "Fault" });
  await expect(hive.admin.retryEntry({ entry: EntryId.parse(9) })).rejects.toEqual(refusal("unknown_entry"));
});

test("whoever follows the events hears that nothing can be stored, since when, and that it can be again", async () => {
  await using hive = await openSockets();
  const { core } = hive;
  const { session } = await hive.signIn();
  const stream = await hive.watch(newest(core), session);
  const heard = take(stream, 1);
  const other = new Sqlite(join(core.directory, "hive.db"));
  other.exec("BEGIN IMMEDIATE");
  await expect(note(core, "waits")).rejects.toThrow("Another process has locked the hive's database");
  const trouble = { problem: expect.stringMatching(/locked/), since: expect.any(Number) };
  expect(await heard).toEqual([{ kind: "storage", trouble }]);
  const later = await hive.watch(newest(core), session);
  expect(await take(later, 1)).toEqual([{ kind: "storage", trouble }]);
  other.close();
  for (const each of [stream, later]) expect(await take(each, 1)).toEqual([{ kind: "storage", trouble: null }]);
});

test("a session ends twelve hours after its last use, or when it is signed out", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const hours = 60 * 60_000;
  hive.core.clock.advance(11 * hours);
  await hive.web.readState({}, { session });
  hive.core.clock.advance(11 * hours);
  await hive.web.readState({}, { session });
  hive.core.clock.advance(12 * hours);
  await expect(hive.web.readState({}, { session })).rejects.toEqual(refusal("not_signed_in"));
  const other = (await hive.signIn()).session;
  await hive.web.signOut({}, { session: other });
  await expect(hive.web.readState({}, { session: other })).rejects.toEqual(refusal("not_signed_in"));
});

test("nothing but the way in is answered without a session", async () => {
  await using hive = await openSockets();
  await expect(hive.web.readState({})).rejects.toEqual(refusal("not_signed_in"));
  await expect(hive.web.unparkAgent({ agent: "alice" })).rejects.toEqual(refusal("not_signed_in"));
  await expect(hive.watch(0, "x".repeat(43))).rejects.toEqual(refusal("not_signed_in"));
});

test("each socket serves the rows of its own caller, in a directory for its owner alone", async () => {
  await using hive = await openSockets();
  const asAdmin = client(routes, "admin", hive.parts.sockets.web);
  await expect(asAdmin.createSignInLink({})).rejects.toThrow("404");
  await asAdmin.close();
  for (const path of Object.values(hive.parts.sockets)) expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
});

test("the status tells forge, dashboard and agents", async () => {
  await using hive = await openSockets();
  await addIdleAgent(hive.core, "alice");
  expect(await hive.admin.readStatus({})).toMatchObject({
    forge,
    dashboardUrl: hive.parts.dashboardUrl,
    agents: [{ name: "alice", state: "idle" }],
  });
});

test("the stream begins after a place in the log and goes on with each new event", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const start = newest(hive.core);
  await note(hive.core, "before");
  const stream = await hive.watch(start, session);
  expect((await take(stream, 1)).map(textOf)).toEqual(["before"]);
  await note(hive.core, "later");
  expect((await take(stream, 1)).map(textOf)).toEqual(["later"]);
});

test("a stream that resumes after the last event seen misses nothing and repeats nothing", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const start = newest(hive.core);
  for (let number = 0; number < 500; number += 1) await note(hive.core, `${number}`);
  const first = await take(await hive.watch(start, session), 250);
  const last = first.at(-1);
  const rest = await take(await hive.watch(last?.kind === "event" ? last.event.sequence : -1, session), 250);
  expect([...first, ...rest].map(textOf)).toEqual(Array.from({ length: 500 }, (_, number) => `${number}`));
});

test.each([
  ["older than what is kept", () => 0],
  ["newer than the log itself", (end: number) => end + 1],
])("a stream from a place that is %s is told to begin anew, and ends", async (_, place) => {
  await using hive = await openSockets(3);
  const { session } = await hive.signIn();
  for (const text of ["one", "two", "three", "four"]) await note(hive.core, text);
  const stream = await hive.watch(place(newest(hive.core)), session);
  expect((await take(stream, 1)).map(textOf)).toEqual(["resync"]);
  await expect(stream.next()).rejects.toThrow("ended");
});

test("a stream that comes to an event of an older program's, which it can't read, is told to begin anew, and ends", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const start = newest(hive.core);
  await note(hive.core, "readable");
  const old = JSON.stringify({ kind: "Note", words: "of an older shape" });
  await hive.core.db.write((tx) => tx.run("INSERT INTO events (at, kind, fact) VALUES (1, 'Note', :old)", { old }));
  const stream = await hive.watch(start, session);
  expect((await take(stream, 1)).map(textOf)).toEqual(["resync"]);
  await expect(stream.next()).rejects.toThrow("ended");
});

test("signing out ends the session's streams with the next event", async () => {
  await using hive = await openSockets();
  const { session } = await hive.signIn();
  const stream = await hive.watch(newest(hive.core), session);
  const waiting = stream.next();
  await hive.web.signOut({}, { session });
  await note(hive.core, "secret");
  await expect(waiting).rejects.toThrow("ended");
});

test("the supervisor asks hived to look for what was missed, and hive-web can't", async () => {
  await using sockets = await openSockets();
  await sockets.admin.reconcile({});
  const work = sockets.core.db.read((reader) => reader.all<{ kind: string }>("SELECT kind FROM work"));
  expect(work).toEqual([{ kind: "reconcile" }]);
  expect(sockets.web).not.toHaveProperty("reconcile");
});

test("open threads are read of agents that there are, and of the operator", async () => {
  await using hive = await openSockets();
  await addIdleAgent(hive.core, "alice");
  const none = { threads: [], totals: { approval: 0, question: 0, pr: 0 } };
  for (const viewer of ["alice", "operator"] as const)
    expect(await hive.admin.readThreads({ viewer: viewer as never })).toEqual(none);
  await expect(hive.admin.readThreads({ viewer: AgentName.parse("alise") })).rejects.toMatchObject({
    code: "unknown_agent",
    message: 'There is no agent "alise". Did you mean alice?',
  });
});
