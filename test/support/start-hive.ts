/** A whole hive as a user starts it: `hive up` in a home of its own, watched by its events and driven through its doors. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import Sqlite from "better-sqlite3";
import { Fault } from "../../src/contract/fault.ts";
import { emptyState, fold, type HiveState } from "../../src/contract/fold.ts";
import { type Process, routes, upRoutes } from "../../src/contract/routes.ts";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { homeAt, runtimeAt } from "../../src/hive/up/home.ts";
import { homeOf, readRecord } from "../../src/hive/up/record.ts";
import { client } from "../../src/rpc/client.ts";
import { openFrames, openStreamPool } from "../../src/rpc/stream.ts";
import { cacheOfTests } from "./cache.ts";
import { parentOf } from "./processes.ts";
import { type Person, withPassword, withToken } from "./raw-forge.ts";

const program = join(import.meta.dirname, "..", "..");
export const bin = join(program, "src/hive/bin.mjs");

export type ForgeKind = "embedded" | "managed";
export type Links = { dashboard: string; forge: string };

/** What has not come by then is not going to: a wait fails with a report, before its test is given up without one. */
const patienceMs = 60_000;
const patienceAtStartMs = 90_000;

/**
 * Of a test's hive alone, while it is down between two starts, too. Nobody's else: below those that connections get by
 * themselves (Linux, ip_local_port_range), and one of many.
 */
const ownPort = (): string => String(randomInt(10_000, 32_000));

export class Hive {
  readonly kind: ForgeKind;
  readonly directory: string;
  readonly env: Record<string, string>;
  /** everything that `hive up` has printed since its last start */
  output = "";
  readonly #arguments: string[];
  readonly #over = new AbortController();
  readonly #waiters = new Set<() => void>();
  #child: ChildProcess | null = null;
  #session = "";
  #state: HiveState = emptyState;
  #following: Promise<void> | undefined;
  /** why nothing can be waited for any more */
  #broken: unknown;

  /**
   * @param forgejo the real Forgejo that it is to find, if any
   * @param more arguments of `hive up`, which may name files in the hive's directory
   */
  constructor(forgejo: string | undefined, more: (directory: string) => string[]) {
    this.kind = forgejo === undefined ? "embedded" : "managed";
    this.directory = mkdtempSync(join(tmpdir(), "hive-"));
    chmodSync(this.directory, 0o755); // started by root, the hive is another user's
    const args = more(this.directory);
    const forgePort = args.includes("--forge-url") ? [] : ["--forge-port", ownPort()];
    this.#arguments = [...forgePort, "--dashboard-port", ownPort(), ...args];
    const home = join(this.directory, "user");
    mkdirSync(home);
    // Only this PATH and this home, so that no other Forgejo is found than the one that the test names.
    this.env = {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      HIVE_HOME: join(this.directory, "hive"),
      XDG_CACHE_HOME: cacheOfTests,
      HIVE_FORGEJO_MIRROR: "off",
      ...(forgejo === undefined ? {} : { HIVE_FORGEJO_BIN: forgejo }),
    };
  }

  get home(): string {
    return this.env["HIVE_HOME"] ?? "";
  }

  /** Runs `hive up` until it has printed its links. Its events are followed as soon as it has any. */
  async up(): Promise<Links> {
    const child = spawn(process.execPath, [bin, "up", ...this.#arguments], {
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    this.output = "";
    this.#following ??= this.#follow();
    const { promise, resolve, reject } = Promise.withResolvers<Links>();
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        const dashboard = /^ {2}Dashboard {2}(\S+)$/m.exec(this.output)?.[1];
        const forge = /^ {2}Forge {6}(\S+)$/m.exec(this.output)?.[1];
        if (dashboard && forge && this.output.includes("Ctrl-C stops it")) resolve({ dashboard, forge });
      });
    child.once("close", (code) => {
      const ended = new Error(`hive up ended with ${code}:\n${this.output}`);
      reject(ended);
      if (this.#child === child) this.#break(ended);
    });
    const late = setTimeout(() => reject(new Error(`hive up prints no links:\n${this.report()}`)), patienceAtStartMs);
    return promise.finally(() => clearTimeout(late));
  }

  /** Follows the hive by its events, with a session of its own, through every restart. */
  async #follow(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        await this.#followOnce(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) return this.#break(error);
        await delay(50, undefined, { signal }).catch(() => undefined); // hived is not there, and cannot say when it is
      }
    }
  }

  async #followOnce(signal: AbortSignal): Promise<void> {
    if (!existsSync(join(this.home, "up.json"))) throw new Fault("hive up has not begun yet");
    if (this.#session === "") await this.#signIn();
    const pool = openStreamPool(this.sockets.web);
    try {
      const options = { session: this.#session, signal };
      for await (const frames of await openFrames(pool, "watchEvents", { after: this.#state.sequence }, options))
        this.#take(frames);
    } finally {
      await pool.destroy();
    }
  }

  async #signIn(): Promise<void> {
    const admin = client(routes, "admin", this.sockets.admin);
    const web = client(routes, "web", this.sockets.web);
    try {
      // Before that the forge may have no operator, for whom it is asked for a way in, too.
      if ((await admin.readStatus({})).forge.problem !== null) throw new Fault("the forge is not ready yet");
      const { url } = await admin.createSignInLink({});
      const secret = new URL(url).hash.replace("#sign-in=", "");
      const { session } = await web.signIn({ secret, address: "" });
      this.#state = await web.readState({}, { session });
      this.#session = session;
    } finally {
      await admin.close();
      await web.close();
    }
    this.#tellWaiters();
  }

  #take(frames: string): void {
    for (const frame of frames.split("\n\n")) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (data === undefined) continue;
      const row = routes.watchEvents.response.parse(JSON.parse(data));
      if (row.kind === "storage") continue;
      if (row.kind === "resync") throw new Error("the events that the test waits for are not kept any more");
      this.#state = fold(this.#state, row.event);
      this.#tellWaiters();
    }
  }

  #break(error: unknown): void {
    this.#broken = error;
    this.#tellWaiters();
  }

  #tellWaiters(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /** Resolves with what `find` finds in the state, now or after some event: it is shown every one, however fast they come. */
  until<Found>(find: (state: HiveState) => Found | undefined | null | false): Promise<Found> {
    const { promise, resolve, reject } = Promise.withResolvers<Found>();
    const look = () => {
      if (this.#broken !== undefined) return reject(this.#broken);
      const found = find(this.#state);
      if (found) resolve(found);
    };
    const late = setTimeout(() => reject(new Error(`this has not come: ${find}\n${this.report()}`)), patienceMs);
    this.#waiters.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(late);
      this.#waiters.delete(look);
    });
  }

  /** The state as of the newest event. */
  get now(): HiveState {
    return this.#state;
  }

  /**
   * Changes something on the forge, and resolves when a webhook has told of it and all that was due then is done. For
   * what is to change nothing, as there is no event to wait for then.
   */
  async settled(change: () => Promise<unknown>): Promise<void> {
    using database = this.#openDatabase();
    const before = database.deliveries();
    await change();
    await this.#untilThere(() => database.deliveries() > before && database.dueWork() === 0);
  }

  /** Resolves when all work that is due is done. */
  async nothingDue(): Promise<void> {
    using database = this.#openDatabase();
    await this.#untilThere(() => database.dueWork() === 0);
  }

  #openDatabase = () => openToRead(join(this.home, "hived/hive.db"));

  /** Looks again and again: that there is nothing left to do, hived tells nobody. */
  async #untilThere(holds: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(patienceMs);
    while (!holds()) {
      if (late.aborted) throw new Error(`this has not settled:\n${this.report()}`);
      await delay(20);
    }
  }

  /** What a reader of a failed test needs: what was printed, what state the hive is in, and the end of each log. */
  report(): string {
    const { agents, approvals, messages, entries, questions, troubles } = this.#state;
    const rows = [agents, approvals, messages, entries, questions, troubles].flat().map((row) => JSON.stringify(row));
    const logs = join(this.home, "logs");
    const ends = (existsSync(logs) ? readdirSync(logs) : []).map(
      (name) => `${name}:\n${readFileSync(join(logs, name), "utf8").split("\n").slice(-15).join("\n")}`,
    );
    return [this.output, ...rows, ...ends].join("\n");
  }

  get sockets() {
    return runtimeAt(readRecord(join(this.home, "up.json"))?.runtime ?? "");
  }

  async processes(): Promise<Process[]> {
    const up = client(upRoutes, "up", this.sockets.up);
    try {
      return (await up.readProcesses({})).processes;
    } finally {
      await up.close();
    }
  }

  /** Ends one process of the hive as `kill -9` does. */
  kill = (name: string): Promise<void> => this.#signal(name, "SIGKILL");

  /** Stops one process of the hive in its tracks, until it is let go. */
  hold = (name: string): Promise<void> => this.#signal(name, "SIGSTOP");
  letGo = (name: string): Promise<void> => this.#signal(name, "SIGCONT");

  async #signal(name: string, signal: NodeJS.Signals): Promise<void> {
    const pid = (await this.processes()).find((row) => row.name === name)?.pid;
    if (!pid) throw new Error(`${name} has no process`);
    process.kill(pid, signal);
  }

  /** Ctrl-C, to the supervisor alone; resolves when it has ended, with the milliseconds that it took. */
  async stop(): Promise<number> {
    const began = performance.now();
    await this.#endUp("SIGINT");
    return performance.now() - began;
  }

  /** Ends the supervisor as `kill -9` does, and with it the command that waits for it. */
  async killUp(): Promise<void> {
    const [{ pid } = { pid: null }] = await this.processes();
    const child = this.#child;
    if (!pid || !child) throw new Error("the hive is not up");
    this.#child = null;
    const ended = once(child, "exit");
    process.kill(parentOf(pid), "SIGKILL");
    await ended;
  }

  async #endUp(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  }

  /**
   * One of the forge's users, with the token or the first password that the hive has of them.
   * @param user `hive-admin` is the site admin, whatever name it has on an external forge
   */
  as(user: string): Person {
    const url = this.#state.forge?.url ?? "";
    const secrets = join(this.home, "hived/secrets");
    const token = user === "hive-admin" ? this.#adminTokenFile : join(secrets, "tokens", user);
    if (existsSync(token)) return withToken(url, readFileSync(token, "utf8").trim());
    return withPassword(url, user, readFileSync(join(secrets, `${user}-password`), "utf8").trim());
  }

  get #adminTokenFile(): string {
    const { forge } = readRecord(join(this.home, "up.json")) ?? {};
    if (forge?.kind === "external") return forge.adminTokenFile;
    return forge ? homeOf(homeAt(this.home), forge).adminToken : homeAt(this.home).adminToken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#following;
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** hived's database, looked at from outside. */
function openToRead(path: string) {
  const sqlite = new Sqlite(path, { readonly: true });
  const count = (sql: string) => {
    const statement = sqlite.prepare<unknown[], number>(sql).pluck();
    return (...values: unknown[]) => statement.get(...values) ?? 0;
  };
  const due = count("SELECT count(*) FROM work WHERE state = 'pending' AND due_at <= ?");
  return {
    deliveries: count("SELECT count(*) FROM deliveries"),
    dueWork: () => due(Date.now()),
    [Symbol.dispose]: () => sqlite.close(),
  };
}

const forgejo = await findForgejo();

/** The forges that a hive can have here. */
export const hives: { name: string; open(...args: string[]): Hive }[] = [
  { name: "the embedded forge", open: (...args) => new Hive(undefined, () => args) },
  ...(forgejo ? [{ name: "a real Forgejo", open: (...args: string[]) => new Hive(forgejo.path, () => args) }] : []),
];
