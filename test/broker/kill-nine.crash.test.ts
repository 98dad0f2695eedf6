/**
 * kill -9 of the real hived and its runner, at random commits, while eight clients send and four agents work: what was
 * accepted is handled once, by a turn that ran, or delivered again and told so. HIVE_RUNS says how often to kill, HIVE_SEED
 * repeats a choice of victims and moments, as far as processes repeat anything.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { routes } from "../../src/contract/routes.ts";
import { client } from "../../src/rpc/client.ts";
import { type BareHive, type Daemon, isQuiet, openBareHive } from "../support/bare-hive.ts";
import { callTool } from "../support/mcp-client.ts";
import { howMany, whichStories } from "../support/stories.ts";

const inTest = 20;
const kills = howMany(inTest);
const seed = whichStories(inTest).seed;

const names = ["alice", "bob", "carol", "dave"] as const;
type Name = (typeof names)[number];
const senders = 8;
/** How many letters each sender sends for each kill. */
const lettersPerKill = 1;

/** An agent notes which messages it was given, then says something: so the turn has evidence only after that. */
const script = `
rules:
  - name: all
    steps:
      - tool: recv
        with: { limit: 2 }
        expect: any
        save: got
      - run: 'echo "$message_id" >>seen; echo "$got" | grep -o "\\"id\\":[0-9]*" | cut -d: -f2 >>seen; true'
      - say: done
`;
const yaml = (role: string) =>
  `role: ${role}\nharness: { driver: acp, profile: script }\nruntime: { driver: process }\nrecipients: ["*"]\nbudgets: { turns_per_hour: 3600 }\n`;
const agents = Object.fromEntries(
  names.map((name) => [name, { "agent.yaml": yaml(name === "alice" ? "manager" : "worker"), "script.yaml": script }]),
);

/** Numbers in [0, 1) that a seed repeats (mulberry32). */
function openRandom(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test(`what was accepted is handled once after ${kills} kills, seed ${seed}`, {
  timeout: 60_000 + kills * 6_000,
}, async () => {
  await using hive = await openBareHive(agents);
  await Promise.all([hive.start("hived"), hive.start("hive-runner")]);
  await hive.until((sqlite) => agentsUp(sqlite) === names.length);

  const office = openPostOffice(hive);
  const log: LoggedEntry[] = [];
  const random = openRandom(seed);
  for (let kill = 0; kill < kills; kill += 1) {
    const sending = office.send(lettersPerKill);
    const victims = victimsOf(random());
    await commits(hive, 1 + Math.floor(random() * 40));
    await Promise.all(victims.map((victim) => hive.kill(victim)));
    const back = Promise.all(victims.map((victim) => hive.start(victim)));
    await Promise.all([sending, back]);
    follow(hive, log);
  }
  await hive.until(isQuiet);
  follow(hive, log);
  await office.close();
  expectHandledOnce(hive, office.accepted, log);
});

const victimsOf = (draw: number): Daemon[] =>
  draw < 0.6 ? ["hived"] : draw < 0.85 ? ["hive-runner"] : ["hived", "hive-runner"];

const agentsUp = (sqlite: Sqlite.Database) =>
  sqlite.prepare("SELECT count(*) FROM agents WHERE state IN ('idle', 'working')").pluck().get();

/** Resolves after so many commits, or as soon as there is nothing left to do. */
async function commits(hive: BareHive, count: number): Promise<void> {
  let left = count;
  await hive.until((sqlite) => {
    left -= 1;
    return left <= 0 || isQuiet(sqlite);
  });
}

type Letter = { from: Name; to: Name | "*"; clientId: string };
type Accepted = Letter & { id: number };

/** Clients that send through the sockets of the agents' launches, each letter until it has been accepted. */
function openPostOffice(hive: BareHive) {
  const accepted: Accepted[] = [];
  const admin = client(routes, "admin", hive.sockets.admin);
  const next = Array.from({ length: senders }, () => 0);
  const sendSurely = async (letter: Letter) => {
    for (;;) {
      const change = hive.changed();
      const id = await sendOnce(hive, admin, letter);
      if (id !== null) return void accepted.push({ ...letter, id });
      await change;
    }
  };
  const write = async (sender: number, count: number) => {
    for (let sent = 0; sent < count; sent += 1) {
      const number = next[sender] ?? 0;
      next[sender] = number + 1;
      const from = names[sender % names.length] as Name;
      const others = [...names.filter((name) => name !== from), "*" as const];
      await sendSurely({ from, to: others[number % others.length] ?? "*", clientId: `letter-${sender}-${number}` });
    }
  };
  return {
    accepted,
    /** Has each client send so many letters, one after the other. */
    async send(count: number): Promise<void> {
      await Promise.all(Array.from({ length: senders }, (_, sender) => write(sender, count)));
    },
    close: () => admin.close(),
  };
}

/** @returns the id of the accepted message; null when it has to be sent again after something has changed */
async function sendOnce(
  hive: BareHive,
  admin: ReturnType<typeof client<typeof routes, "admin">>,
  { from, to, clientId }: Letter,
): Promise<number | null> {
  const socket = hive.socketOf(from);
  if (socket === undefined) return null;
  try {
    const args = { to, body: `${clientId} of ${from}`, client_id: clientId };
    const answer = await callTool(socket, "send", args);
    const id = /^Sent as message (\d+)\./.exec(answer)?.[1];
    if (id !== undefined) return Number(id);
    if (!answer.includes("written to each other too often")) throw new Error(`${clientId} was answered: ${answer}`);
    await admin.liftPairRest({ one: from, other: to as Name });
    return null;
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

type LoggedEntry = {
  sequence: number;
  id: number;
  message: number;
  recipient: string;
  state: string;
  turn: string | null;
};

const ENTRY_EVENTS = `SELECT sequence, json_extract(fact, '$.entry.id') AS id, json_extract(fact, '$.entry.message') AS message,
    json_extract(fact, '$.entry.recipient') AS recipient, json_extract(fact, '$.entry.state') AS state,
    json_extract(fact, '$.entry.turn') AS turn
  FROM events WHERE kind = 'EntryChanged' AND sequence > ? ORDER BY sequence`;

/** Keeps what has become of each entry: hived keeps the newest events alone. */
function follow(hive: BareHive, log: LoggedEntry[]): void {
  const events = hive.read((sqlite) => sqlite.prepare(ENTRY_EVENTS).all(log.at(-1)?.sequence ?? 0)) as LoggedEntry[];
  log.push(...events);
}

type Row = { id: number; client_id: string | null; recipient: string; state: string; attempt: number; turn: string };

const DELIVERIES = `SELECT messages.id, messages.client_id, inbox.recipient, inbox.state, inbox.attempt, inbox.turn
  FROM messages JOIN inbox ON inbox.message = messages.id WHERE inbox.recipient <> 'operator' ORDER BY inbox.id`;
const TURNS = "SELECT id, agent, outcome, json_extract(evidence, '$.outputs') AS outputs FROM turns";
type TurnRow = { id: string; agent: string; outcome: string; outputs: number | null };

function expectHandledOnce(hive: BareHive, accepted: Accepted[], log: LoggedEntry[]): void {
  const rows = hive.read((sqlite) => sqlite.prepare(DELIVERIES).all()) as Row[];
  const turns = new Map((hive.read((sqlite) => sqlite.prepare(TURNS).all()) as TurnRow[]).map((row) => [row.id, row]));
  const letters = rows.filter(({ client_id }) => client_id?.startsWith("letter-")); // the hive writes a few of its own
  const one = (id: number, clientId: string | null, recipient: string) => `${id} ${clientId} ${recipient}`;
  const wanted = accepted.flatMap(({ id, clientId, from, to }) =>
    (to === "*" ? names.filter((name) => name !== from) : [to]).map((recipient) => one(id, clientId, recipient)),
  );
  expect(letters.map((row) => one(row.id, row.client_id, row.recipient)).sort()).toEqual(wanted.sort());
  expect(rows.filter(({ state }) => state !== "handled")).toEqual([]);
  const changes = Map.groupBy(log, ({ message, recipient }) => `${message} ${recipient}`);
  const seen = Object.fromEntries(names.map((name) => [name, seenBy(hive, name)]));
  for (const row of rows) {
    const turn = turns.get(row.turn);
    expect(turn, `of ${JSON.stringify(row)}`).toMatchObject({ agent: row.recipient, outcome: "ok" });
    expect(turn?.outputs).toBeGreaterThan(0);
    const course = changes.get(`${row.id} ${row.recipient}`) ?? [];
    expect(course.filter(({ state }) => state === "handled")).toMatchObject([{ turn: row.turn }]);
    const leases = course.filter(({ state }) => state === "leased");
    expect(leases).toHaveLength(row.attempt);
    // each earlier delivery was to a turn that was lost, or to a `recv` whose answer came to nothing
    for (const { turn: earlier } of leases.slice(0, -1))
      expect(["lost", "ok"]).toContain(turns.get(earlier ?? "")?.outcome);
    expect(seen[row.recipient], `${row.recipient} was given ${row.id}`).toContain(row.id);
  }
  for (const name of names) {
    const leased = log.filter(({ recipient, state }) => recipient === name && state === "leased").map(({ id }) => id);
    const first = [...new Set(leased)];
    expect(first, `${name} got its messages in order`).toEqual(first.toSorted((a, b) => a - b));
  }
}

/** The messages that an agent has noted, which no part of ours wrote down. */
function seenBy({ directory }: BareHive, name: Name): number[] {
  const file = join(directory, "agents", name, "state/seen");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n").map(Number) : [];
}
