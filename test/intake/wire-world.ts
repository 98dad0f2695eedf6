/**
 * A forge and a hived of one run, with a wire in memory between them that loses, doubles, delays, swaps and forges what it
 * carries. The forge is the embedded one in this process, from a copy of a provisioned one; both clocks are the test's.
 * hived's calls of the forge wait at a gate, so that what happens between two of them is the run's choice.
 */
import { cpSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import { z } from "zod";
import { startForge } from "../../forge/embedded/app.ts";
import type { Event } from "../../src/contract/facts.ts";
import { AgentName, type EpochMs, type Sequence } from "../../src/contract/names.ts";
import { takeDelivery } from "../../src/hive-web/webhook.ts";
import { eventsAfter } from "../../src/hived/events/event-log.ts";
import type { Forge, ForgeUser, ForgeVerbs } from "../../src/hived/forge/client.ts";
import { ForgeUnavailable } from "../../src/hived/forge/errors.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import type { Delivery } from "../../src/hived/intake/verify.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { newMemoryDirectory } from "../support/memory-directory.ts";
import { addIdleAgent, openCore, type TestCore } from "../support/open-core.ts";
import { forgeWork, type Provisioned, partsFor } from "../support/provisioned.ts";
import { makeRepo, type Person, withToken } from "../support/raw-forge.ts";

export const notes = "alice/notes";
const people = ["alice", "bob", "operator"] as const;
export type PersonName = (typeof people)[number];
const sentinel = "operator/sentinel";

/** What is copied for each run: a provisioned forge, the hive's database and secrets, and where the hook leads. */
export type Template = { directory: string; receiver: Receiver; [Symbol.asyncDispose](): Promise<void> };
type Receiver = { url: string; take: (delivery: Delivery) => void; close(): void };

export async function makeTemplate(): Promise<Template> {
  const directory = newMemoryDirectory("hive-wire-");
  const receiver = await openReceiver();
  const forge = await startForge(configOf(directory));
  const core = openCore(join(directory));
  const parts: Provisioned = { ...partsFor(core, running(forge.url, directory)), hookUrl: receiver.url };
  await provision(parts);
  for (const name of ["alice", "bob"]) {
    await addIdleAgent(core, name);
    await provisionAgent(parts, AgentName.parse(name), "worker");
  }
  const admin = withToken(forge.url, readFileSync(join(directory, "admin-token"), "utf8").trim());
  await makeNotes((name) => withToken(forge.url, parts.tokens.read(name) ?? ""), branchesReady);
  await admin.call("POST", "/admin/users/operator/repos", { name: "sentinel" });
  await admin.call("POST", `/repos/${sentinel}/issues`, { title: "says that all before it was sent" });
  await core.db.write((tx) => tx.run("DELETE FROM work"));
  await core.close();
  await forge.stop();
  return {
    directory,
    receiver,
    async [Symbol.asyncDispose]() {
      receiver.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Made once, because each costs several runs of git. */
const branchesReady = 8;

async function makeNotes(as: (name: PersonName) => Person, branches: number): Promise<void> {
  await makeRepo(as("alice"), notes, ["bob", "operator"]);
  await as("alice").call("POST", `/repos/${notes}/labels`, { name: "later", color: "#abcdef" });
  for (let number = 1; number <= branches; number += 1) await addBranch(as("alice"), number);
}

async function addBranch(by: Person, number: number): Promise<void> {
  const file = { content: "aGk=", message: "branch", branch: "main", new_branch: `branch-${number}` };
  await by.call("POST", `/repos/${notes}/contents/branch-${number}.md`, file);
}

export const running = (url: string, directory: string) => ({
  kind: "embedded" as const,
  url,
  adminTokenFile: join(directory, "admin-token"),
  kill: () => Promise.resolve(),
  start: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

export const configOf = (directory: string, port = 0) => ({
  dataDir: join(directory, "forge"),
  port,
  adminName: "hive-admin",
  adminTokenFile: join(directory, "admin-token"),
});

async function openReceiver(): Promise<Receiver> {
  const receiver: Receiver = { url: "", take: () => undefined, close: () => server.close() };
  const server = createServer((request, response) => {
    const deliverWebhook = async (delivery: Delivery) => {
      receiver.take(delivery);
      return { accepted: true };
    };
    takeDelivery({ deliverWebhook }, request).then(
      () => response.end(),
      (error: Error) => response.writeHead(422).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  return receiver;
}

/** hived's calls of the forge: held at the gate, refused while the forge can't be reached. */
type Gate = { isOpen: boolean; isReachable: boolean; held: { pass(): void; cut(): void }[]; underWay: number };

/** The forge's answers, through the gate. */
function gated(forge: Forge, gate: Gate, onSilence: (problem: string | null) => void): Forge {
  const unreachable = () => {
    const problem = "The wire is cut.";
    onSilence(problem);
    return new ForgeUnavailable(problem);
  };
  const pass = async (call: () => Promise<unknown>): Promise<unknown> => {
    if (!gate.isOpen)
      await new Promise<void>((resolve, reject) =>
        gate.held.push({ pass: resolve, cut: () => reject(new ForgeUnavailable("hived was killed")) }),
      );
    if (!gate.isReachable) throw unreachable();
    gate.underWay += 1;
    return call().finally(() => {
      gate.underWay -= 1;
    });
  };
  const through = (verbs: ForgeVerbs): ForgeVerbs =>
    new Proxy(verbs, {
      get(target, name: keyof ForgeVerbs) {
        const verb = target[name] as (...args: unknown[]) => Promise<unknown> | AsyncIterable<unknown>;
        return (...args: unknown[]) =>
          name.endsWith("Pages") ? paged(pass, verb(...args)) : pass(() => verb(...args) as Promise<unknown>);
      },
    });
  return { ...forge, as: (user: ForgeUser) => through(forge.as(user)) };
}

async function* paged(pass: (call: () => Promise<unknown>) => Promise<unknown>, pages: unknown) {
  const iterator = (pages as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  for (;;) {
    const next = (await pass(() => iterator.next())) as IteratorResult<unknown>;
    if (next.done) return;
    yield next.value;
  }
}

const Owned = z.object({ user: z.object({ login: z.string() }) });
const Entries = z.array(Owned.extend({ id: z.number(), type: z.string() }));

export class World {
  readonly directory = newMemoryDirectory("hive-run-");
  /** what the forge has sent, and hived has not got yet, oldest first */
  readonly wire: Delivery[] = [];
  readonly gate: Gate = { isOpen: false, isReachable: true, held: [], underWay: 0 };
  /** issues and pull requests of alice's repository */
  readonly items: { repo: string; number: number; isPull: boolean }[] = [];
  private branches = 0;
  private readonly template: Template;
  private forgeNow = 1_700_000_000_000;
  private port = 0;
  private forge: Awaited<ReturnType<typeof startForge>> | undefined;
  private rung: (() => void) | undefined;
  core!: TestCore;
  parts!: Provisioned;

  constructor(template: Template) {
    this.template = template;
  }

  async open(): Promise<void> {
    cpSync(this.template.directory, this.directory, { recursive: true });
    this.template.receiver.take = (delivery) => {
      if (delivery.body.includes(`"full_name":"${sentinel}"`)) this.rung?.();
      else this.wire.push(delivery);
    };
    await this.startForge();
    this.startHived();
  }

  async close(): Promise<void> {
    await this.killHived();
    await this.forge?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async startForge(): Promise<void> {
    this.forge = await startForge(configOf(this.directory, this.port), { now: () => this.forgeNow });
    this.port = Number(new URL(this.forge.url).port);
  }

  private startHived(): void {
    this.core = openCore(this.directory);
    this.core.clock.advance(this.forgeNow - this.core.clock.now());
    const parts = partsFor(this.core, running(`http://127.0.0.1:${this.port}`, this.directory));
    this.parts = { ...parts, forge: gated(parts.forge, this.gate, parts.health.noteSilence) };
    parts.health.noteWork(null);
    const work = forgeWork(this.parts);
    const askForLook = () =>
      this.core.db.write((tx) => this.core.scheduler.enqueue(tx, "reconcile", "")).then(() => undefined);
    this.core.work({ ...work, provision: { atOnce: 1, run: askForLook } });
    void askForLook();
  }

  private async killHived(): Promise<void> {
    const closed = this.core.close();
    for (const { cut } of this.gate.held.splice(0)) cut();
    this.gate.isOpen = true; // what starts a call on its way out must not wait for ever
    await closed;
    this.gate.isOpen = false;
    for (const { cut } of this.gate.held.splice(0)) cut();
  }

  async restartHived(): Promise<void> {
    await this.killHived();
    this.startHived();
    await this.quiet();
  }

  async restartForge(): Promise<void> {
    await this.forge?.stop();
    await this.untilRefused();
    await this.startForge();
    await this.drained();
  }

  /** fetch keeps connections, and would send a call on one whose end it has not seen yet. */
  private async untilRefused(): Promise<void> {
    const answer = () =>
      fetch(`http://127.0.0.1:${this.port}/`).then(
        () => undefined,
        (error: Error) => (error.cause as NodeJS.ErrnoException | undefined)?.code,
      );
    while ((await answer()) !== "ECONNREFUSED");
  }

  as = (name: PersonName): Person => withToken(this.forge?.url ?? "", this.parts.tokens.read(name) ?? "");

  /** alice's repository goes with all that is in it, and another one comes in its place. */
  async replaceNotes(): Promise<void> {
    await this.as("alice").call("DELETE", `/repos/${notes}`);
    await makeNotes(this.as, 0);
    this.items.length = 0;
    this.branches = branchesReady;
  }

  /** A branch that is ahead of main. */
  async branch(by: PersonName): Promise<string> {
    this.branches += 1;
    if (this.branches > branchesReady) await addBranch(this.as(by), this.branches);
    return `branch-${this.branches}`;
  }

  /** Moves the forge's time, then does something there; what it sends is on the wire when this resolves. */
  async act(afterMs: number, action: () => Promise<unknown>): Promise<void> {
    this.forgeNow += afterMs;
    await action();
    await this.drained();
  }

  /** The forge sends one delivery at a time, in order. */
  private async drained(): Promise<void> {
    const rung = new Promise<void>((resolve) => {
      this.rung = resolve;
    });
    await this.as("operator").call("POST", `/repos/${sentinel}/issues/1/comments`, { body: "now" });
    await rung;
  }

  /** Resolves with the refusal's code, or null. */
  async deliver(delivery: Delivery): Promise<string | null> {
    const refused = await deliverWebhook(this.parts, delivery).then(
      () => null,
      (error: { code?: string }) => error.code ?? String(error),
    );
    await this.quiet();
    return refused;
  }

  ask = async (): Promise<void> => {
    await ask(this.core, AgentName.parse("alice"), { to: "operator", question: "Which?", options: [], multi: false });
    await this.quiet();
  };

  /** Lets so many of hived's calls through, one after the other. */
  async work(calls: number): Promise<void> {
    for (let count = 0; count < calls && this.gate.held.length > 0; count += 1) {
      this.gate.held.shift()?.pass();
      await this.quiet();
    }
  }

  /** Resolves once hived waits: for the gate, for its clock, or for nothing. */
  async quiet(): Promise<void> {
    for (let still = 0; still < 6; still = this.gate.underWay > 0 ? 0 : still + 1) await nextTick();
  }

  async pass(ms: number): Promise<void> {
    this.forgeNow += ms;
    this.core.clock.advance(ms);
    await this.quiet();
  }

  /** The wire holds again, all that is due is done, and one reconciliation after that. */
  async settle(): Promise<void> {
    this.gate.isReachable = true;
    this.gate.isOpen = true;
    for (const { pass } of this.gate.held.splice(0)) pass();
    await this.caughtUp();
    await this.pass(5 * 60_000);
    await this.caughtUp();
  }

  private async caughtUp(): Promise<void> {
    const due = "SELECT count(*) AS count FROM work WHERE kind <> 'reconcile' OR due_at <= :now";
    for (let rounds = 0; rounds < 10_000; rounds += 1) {
      await this.quiet();
      const now = this.core.clock.now();
      const waiting = this.core.db.read((reader) => reader.get<{ count: number }>(due, { now }))?.count ?? 0;
      if (waiting === 0) return;
      const isAnyDue = this.core.db.read((reader) => reader.get("SELECT 1 FROM work WHERE due_at <= :now", { now }));
      if (!isAnyDue) await this.pass(1000);
    }
    throw new Error(
      `work does not end: ${JSON.stringify(this.core.db.read((reader) => reader.all("SELECT * FROM work")))}`,
    );
  }

  /** The ids that hived gave to letters of its making. */
  letterIds = (): string[] =>
    this.core.db
      .read((reader) => reader.all<{ id: string }>("SELECT client_id AS id FROM messages WHERE client_id IS NOT NULL"))
      .map(({ id }) => id);

  /** Those of what must have been told to the authors of pull requests: what others did there, as the forge has it. */
  async owedLetterIds(): Promise<string[]> {
    const told = new Set(["comment", "review", "close", "reopen", "merge_pull"]);
    const owed = this.items
      .filter(({ isPull }) => isPull)
      .map(async ({ repo, number }) => {
        const thread = `/repos/${repo}/issues/${number}`;
        const { user } = Owned.parse(await this.as("alice").call("GET", thread));
        const entries = Entries.parse(await this.as("alice").call("GET", `${thread}/timeline?limit=50`));
        return entries
          .filter((entry) => told.has(entry.type) && entry.user.login !== user.login)
          .map(({ id }) => `pull/${repo}#${number}/${id}/${user.login}`);
      });
    return (await Promise.all(owed)).flat();
  }

  /** What hived thinks that the forge has. */
  projection(): unknown[] {
    return this.core.db.read((reader) =>
      reader.all("SELECT * FROM forge_items WHERE repo IN ('alice/notes', 'hive/questions') ORDER BY repo, number"),
    );
  }

  /** What it has, in the projection's words. */
  async truth(): Promise<unknown[]> {
    const admin = withToken(this.forge?.url ?? "", readFileSync(join(this.directory, "admin-token"), "utf8").trim());
    const rows = [];
    for (const repo of [notes, "hive/questions"]) {
      const issues = await admin.call("GET", `/repos/${repo}/issues?state=all&limit=50`);
      const byNumber = (issues as { number: number }[]).sort((a, b) => a.number - b.number);
      for (const issue of byNumber) rows.push(await rowOf(admin, repo, issue));
    }
    return rows;
  }

  /** The issues of the questions that were posted. */
  questions(): World["items"] {
    const numbers = this.core.db.read((reader) =>
      reader.all<{ number: number }>("SELECT number FROM questions WHERE number IS NOT NULL ORDER BY number"),
    );
    return numbers.map(({ number }) => ({ repo: "hive/questions", number, isPull: false }));
  }

  events = (): Event[] => this.core.db.read((reader) => eventsAfter(reader, 0 as Sequence, 100_000));
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of the forge, read by its documented names
async function rowOf(admin: Person, repo: string, issue: any): Promise<object> {
  const path = `/repos/${repo}/pulls/${issue.number}`;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const pull = issue.pull_request ? ((await admin.call("GET", path)) as any) : null;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const reviews = pull ? ((await admin.call("GET", `${path}/reviews?limit=50`)) as any[]) : [];
  const asked = reviews.filter(({ state }) => state === "REQUEST_REVIEW").map(({ user }) => user.login);
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const assignees = ((issue.assignees ?? []) as any[]).map(({ login }) => login);
  const at = (text: string) => Date.parse(text) as EpochMs;
  return {
    repo,
    number: issue.number,
    kind: pull ? "pull" : "issue",
    title: issue.title,
    author: issue.user.login,
    state: pull?.merged ? "merged" : issue.state,
    url: issue.html_url,
    head: pull?.head.sha ?? null,
    base: pull?.base.ref ?? null,
    reviewers: JSON.stringify([...new Set(asked)]),
    assignees: JSON.stringify(assignees),
    created_at: at(issue.created_at),
    updated_at: at(issue.updated_at),
  };
}
