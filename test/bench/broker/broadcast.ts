/** A message to everybody, stored once, against a body in each recipient's row. */

import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { send } from "../../../src/hived/broker/send.ts";
import { type Figure, interleave, judge } from "../figure.ts";
import { newDiskDirectory } from "./disk.ts";
import { addAgents, openBenchCore } from "./in-process.ts";

const agents = 10_000;
const longBody = "x".repeat(2_000);

export async function* broadcast({ rounds }: { rounds: number }): AsyncIterable<Figure> {
  const directory = newDiskDirectory();
  const core = openBenchCore(directory.path);
  const plain = openPlain(join(directory.path, "plain.db"));
  try {
    await addAgents(core, agents);
    const names = Array.from({ length: agents }, (_, number) => `agent-${number}`);
    const timed = async (work: () => unknown): Promise<number> => {
      const began = performance.now();
      await work();
      return performance.now() - began;
    };
    const measured = await interleave(rounds, {
      rows: () => timed(() => plain.send(names, longBody)),
      ours: () => timed(() => send(core, { from: "operator", to: "*", body: longBody })),
    });
    yield judge({
      name: `broadcast of 2 KB to ${agents} agents: a row with the body for each / ours`,
      unit: "ms",
      ours: measured.rows,
      floor: measured.ours,
      goal: { atLeast: 10 },
    });
  } finally {
    plain.close();
    await core.db.close();
    directory.remove();
  }
}

/** The way that is measured against: one table, a row for each recipient with all that it gets. */
function openPlain(path: string) {
  const sqlite = new Sqlite(path);
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("synchronous = FULL");
  sqlite.exec(`CREATE TABLE message (id INTEGER PRIMARY KEY, sender TEXT, recipient TEXT, body TEXT, state TEXT, queued_at INTEGER);
    CREATE INDEX message_queued ON message (recipient, id) WHERE state = 'queued'`);
  const add = sqlite.prepare(
    "INSERT INTO message (sender, recipient, body, state, queued_at) VALUES ('operator', ?, ?, 'queued', 1)",
  );
  return {
    send: sqlite.transaction((names: string[], text: string) => {
      for (const name of names) add.run(name, text);
    }),
    close: () => sqlite.close(),
  };
}
