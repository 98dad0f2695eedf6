/** A whole hive as a user starts it: `hive up` in a home of its own, watched by its events and driven through its doors. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Fault } from "../../src/contract/fault.ts";
import { emptyState, fold, type HiveState } from "../../src/contract/fold.ts";
import type { Process } from "../../src/contract/routes.ts";
import { type routes as Routes, routes, upRoutes } from "../../src/contract/routes.ts";
import type { ResponseOf } from "../../src/contract/table.ts";
import { runtimeAt } from "../../src/hive/up/home.ts";
import { client } from "../../src/rpc/client.ts";
import { openFrames, openStreamPool } from "../../src/rpc/stream.ts";
import { findForgejo } from "./forgejo.ts";

const program = join(import.meta.dirname, "..", "..");
export const bin = join(program, "src/hive/bin.mjs");

export type Links = { dashboard: string; forge: string };

export class Hive {
  readonly directory: string;
  readonly env: Record<string, string>;
  private readonly arguments: string[];
  private child: ChildProcess | null = null;
  private session = "";
  private state: HiveState = emptyState;
  private readonly watching = new AbortController();
  private readonly waiters = new Set<() => void>();
  /** everything that `hive up` has printed */
  output = "";

  constructor(forgejo: string | undefined, args: string[]) {
    this.directory = mkdtempSync(join(tmpdir(), "hive-"));
    this.arguments = args;
    const home = join(this.directory, "user");
    mkdirSync(home);
    // Only this PATH and this home, so that no other Forgejo is found than the one that the test names.
    this.env = {
      PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
      HOME: home,
      HIVE_HOME: join(this.directory, "hive"),
      ...(forgejo === undefined ? {} : { HIVE_FORGEJO_BIN: forgejo }),
    };
  }

  get home(): string {
    return this.env["HIVE_HOME"] ?? "";
  }

  /** Runs `hive up` until it has printed its links. */
  async up(): Promise<Links> {
    const child = spawn(process.execPath, [bin, "up", ...this.arguments], {
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    this.output = "";
    const links = new Promise<Links>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr])
        stream.on("data", (text) => {
          this.output += text;
          const dashboard = /^ {2}Dashboard {2}(\S+)$/m.exec(this.output)?.[1];
          const forge = /^ {2}Forge {6}(\S+)$/m.exec(this.output)?.[1];
          if (dashboard && forge && this.output.includes("Ctrl-C stops it")) resolve({ dashboard, forge });
        });
      child.once("close", (code) => reject(new Error(`hive up ended with ${code}:\n${this.output}`)));
    });
    const found = await links;
    if (this.session === "") await this.watch(found);
    return found;
  }

  /** Follows the hive by its events, through restarts of hived, with a session of its own. */
  private async watch({ dashboard }: Links): Promise<void> {
    const admin = client(routes, "admin", this.sockets.admin);
    const { url } = await admin.createSignInLink({});
    await admin.close();
    void dashboard;
    const web = client(routes, "web", this.sockets.web);
    const secret = new URL(url).hash.replace(/^#(sign-in=)?/, "");
    this.session = (await web.signIn({ secret, address: "" })).session;
    this.state = await web.readState({}, { session: this.session });
    await web.close();
    void this.follow();
  }

  private async follow(): Promise<void> {
    const { signal } = this.watching;
    while (!signal.aborted) {
      const pool = openStreamPool(this.sockets.web);
      try {
        const request = { after: this.state.sequence };
        for await (const frames of await openFrames(pool, "watchEvents", request, { session: this.session, signal }))
          this.take(frames);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        await delay(100, undefined, { signal }).catch(() => undefined); // hived is being started again
      } finally {
        await pool.destroy();
      }
    }
  }

  private take(frames: string): void {
    for (const frame of frames.split("\n\n")) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (data === undefined) continue;
      const row = JSON.parse(data) as ResponseOf<typeof Routes.watchEvents>;
      if (row.kind === "resync") throw new Error("the events that the test waits for are not kept any more");
      this.state = fold(this.state, row.event);
    }
    for (const waiter of this.waiters) waiter();
  }

  /** Resolves with what `find` finds in the state, now or after some event; the test's own time-out bounds it. */
  async until<Found>(find: (state: HiveState) => Found | undefined | null | false): Promise<Found> {
    for (;;) {
      const found = find(this.state);
      if (found) return found;
      await new Promise<void>((resolve) => {
        const waiter = () => {
          this.waiters.delete(waiter);
          resolve();
        };
        this.waiters.add(waiter);
      });
    }
  }

  get now(): HiveState {
    return this.state;
  }

  get sockets() {
    const record = JSON.parse(readFileSync(join(this.home, "up.json"), "utf8")) as { runtime: string };
    return runtimeAt(record.runtime);
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
  async kill(name: string): Promise<void> {
    const pid = (await this.processes()).find((row) => row.name === name)?.pid;
    if (!pid) throw new Error(`${name} has no process`);
    process.kill(pid, "SIGKILL");
  }

  /** Ctrl-C, to the supervisor alone; resolves when it has ended, with the milliseconds that it took. */
  async stop(): Promise<number> {
    const { child } = this;
    if (!child || child.exitCode !== null || child.signalCode !== null) return 0;
    const began = performance.now();
    const ended = once(child, "close");
    child.kill("SIGINT");
    await ended;
    this.child = null;
    return performance.now() - began;
  }

  /** Ends the supervisor as `kill -9` does. */
  async killUp(): Promise<void> {
    const { child } = this;
    if (!child) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    this.child = null;
  }

  /** The forge's API as one of its users, with the token that hived holds. */
  async forge(user: string, method: string, path: string, body?: unknown): Promise<unknown> {
    const url = this.state.forge?.url;
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: this.authorizationOf(user), "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  private authorizationOf(user: string): string {
    const secrets = join(this.home, "hived/secrets");
    const token = join(secrets, "tokens", user);
    if (existsSync(token)) return `token ${readFileSync(token, "utf8").trim()}`;
    const password = readFileSync(join(secrets, `${user}-password`), "utf8").trim();
    return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.watching.abort();
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

const forgejo = findForgejo();

/** The forges that a hive can have here. */
export const hives: { name: string; open(...args: string[]): Hive }[] = [
  { name: "the embedded forge", open: (...args) => new Hive(undefined, args) },
  ...(forgejo ? [{ name: "a real Forgejo", open: (...args: string[]) => new Hive(forgejo, args) }] : []),
];
