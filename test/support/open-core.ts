/** The floor of hived for a test: a real database file, its event log and scheduler, and a clock that the test moves. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import { pino } from "pino";
import type { Event, FactKind } from "../../src/contract/facts.ts";
import type { AgentName, LaunchId, ObjectId, Sequence } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { type AgentRow, addAgent, changeAgent } from "../../src/hived/agents/agents.ts";
import { beginLaunch } from "../../src/hived/agents/launches.ts";
import { type Core, newLaunchId } from "../../src/hived/core.ts";
import { openDatabase } from "../../src/hived/database/open.ts";
import { eventsAfter, logEnds, openEventLog } from "../../src/hived/events/event-log.ts";
import { type Handler, openScheduler } from "../../src/hived/work/scheduler.ts";
import { type FakeClock, openFakeClock } from "./fake-clock.ts";
import { newMemoryDirectory } from "./memory-directory.ts";

export type TestCore = Core & {
  clock: FakeClock;
  /** a directory of the test's own, with a path short enough for sockets */
  directory: string;
  /** Starts the scheduler with these handlers; it ends with the core. */
  work(handlers: Record<string, Handler>): void;
  /** Resolves with the first event that fits, among those that are there and those to come. */
  event<Kind extends FactKind>(kind: Kind, fits?: (event: EventOf<Kind>) => boolean): Promise<EventOf<Kind>>;
  /** Closes the database, and keeps the directory: hived is killed. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};
type EventOf<Kind extends FactKind> = Event & { fact: { kind: Kind } };

/** @param directory of a core that was closed or killed before, to open its database once more */
export function openCore(directory?: string, keptEvents?: number): TestCore {
  const place = directory ?? newMemoryDirectory("hive-");
  const clock = openFakeClock();
  const log = pino({ level: "silent" });
  const db = openDatabase(join(place, "hive.db"));
  const events = openEventLog(keptEvents);
  const scheduler = openScheduler({ db, events, clock, log });
  const stopping = new AbortController();
  let working: Promise<void> = Promise.resolve();
  let isOpen = true;
  const close = async () => {
    if (!isOpen) return;
    isOpen = false;
    stopping.abort();
    await working;
    await db.close();
  };
  return {
    db,
    events,
    scheduler,
    clock,
    log,
    directory: place,
    work(handlers) {
      working = scheduler.run(handlers, stopping.signal);
    },
    async event(kind, fits = () => true) {
      const isIt = (event: Event): event is EventOf<typeof kind> =>
        event.fact.kind === kind && fits(event as EventOf<typeof kind>);
      let seen = 0 as Sequence;
      for (;;) {
        const news = db.read((reader) => eventsAfter(reader, seen, 100_000));
        const found = news.find(isIt);
        if (found) return found;
        seen = news.at(-1)?.sequence ?? seen;
        const once = new AbortController();
        await new Promise<void>((resolve) => events.watch(() => resolve(), once.signal));
        once.abort();
      }
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
      rmSync(place, { recursive: true, force: true });
    },
  };
}

/** The newest sequence number, to tell what comes later. */
export const newest = (core: Core): Sequence => core.db.read((reader) => logEnds(reader).newest);

/** Resolves once everything that was queued to be written is committed. */
export async function settled(core: Core): Promise<void> {
  await core.db.write(() => undefined);
  await nextTick();
}

export const someTree = "a".repeat(40) as ObjectId;

/** An agent that is up and idle, as converge leaves it. */
export async function addIdleAgent(
  core: Core,
  name: string,
  config: Partial<AgentConfig> = {},
): Promise<AgentRow & { launch: LaunchId }> {
  const launch = newLaunchId();
  const agent = name as AgentName;
  const whole = AgentConfig.parse({ harness: { driver: "acp", profile: "script" }, ...config });
  return core.db.write((tx) => {
    addAgent(tx, core, { name: agent, role: whole.role, wanted_tree: someTree, wanted_commit: someTree });
    beginLaunch(tx, core, { id: launch, agent, tree: someTree });
    const row = changeAgent(tx, core, agent, {
      state: "idle",
      launch,
      running_tree: someTree,
      runtime: "process",
      config: JSON.stringify(whole),
    });
    return { ...row, launch };
  });
}
