/** A coding agent behind its driver, as a real process, in the hands of a test: without a runner, a loop or a hive. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import type { DriverSpec, LaunchSpec } from "../../src/contract/launch.ts";
import type { LeasedEntry } from "../../src/contract/link.ts";
import { AgentName, type EntryId, EpochMs, type MessageId, type TurnId } from "../../src/contract/names.ts";
import type { Skill } from "../../src/contract/told.ts";
import type { LiveEvent } from "../../src/contract/turn-log.ts";
import { type Clock, systemClock } from "../../src/daemon/clock.ts";
import { type Agent, AgentLife } from "../../src/hive-runner/agent.ts";
import { writePlugin } from "../../src/hive-runner/plugin.ts";
import { type RunningTurn, runTurn, type TurnReport } from "../../src/hive-runner/turn.ts";
import { wakePrompt } from "../../src/hive-runner/wake-prompt.ts";
import { openQueue, type Queue } from "../support/queue.ts";

/** Distributes over the kinds. */
type Without<Spec, Key extends string> = Spec extends unknown ? Omit<Spec, Key> : never;

export type Started = {
  argv: string[];
  env?: Record<string, string>;
  driver: Without<DriverSpec, "cwd" | "mcpServers" | "session" | "model" | "promptFile" | "plugin">;
};

export type Driven = {
  readonly directory: string;
  readonly life: AgentLife;
  readonly events: Queue<LiveEvent>;
  /** what it did outside of a turn */
  readonly unasked: Queue<string>;
  /** The agent, started when it is not there; after its end by itself with what the report said, as hived does it. */
  rise(): Promise<Agent>;
  begin(body: string, limits?: Partial<LaunchSpec["limits"]>): Promise<RunningTurn>;
  turn(body: string): Promise<TurnReport>;
  [Symbol.asyncDispose](): Promise<void>;
};

const farOff = 3_600_000;
const agent = AgentName.parse("alice");

/** What each agent is told at the start of a conversation. */
export const told = "Your word is heliotrope.\n";

/** @param directory the agent's own, which outlives it */
export function drive(
  { argv, env = {}, driver }: Started,
  {
    directory = mkdtempSync(join(tmpdir(), "hive-")),
    clock = systemClock,
    session = null as string | null,
    model = null as string | null,
    skills = [] as Skill[],
  }: { directory?: string; clock?: Clock; session?: string | null; model?: string | null; skills?: Skill[] } = {},
): Driven {
  const unasked = openQueue<string>();
  const events = openQueue<LiveEvent>();
  const log = pino(
    { level: "info" },
    { write: (line) => void (JSON.parse(line).unasked && unasked.put(JSON.parse(line).unasked)) },
  );
  const open = (continued: string | null) => {
    const spec: LaunchSpec = {
      runtime: "process",
      argv,
      env: { PATH: process.env["PATH"] ?? "", HOME: directory, HIVE_STATE_DIR: directory, ...env },
      cwd: directory,
      driver: {
        ...driver,
        cwd: directory,
        mcpServers: [],
        session: continued,
        model,
        promptFile: join(directory, "prompt.md"),
        plugin: join(directory, "plugin"),
      },
      prompt: { docs: directory, config: directory },
      limits: { turnTimeoutMs: farOff, silenceMs: farOff, idleStopMs: farOff },
    };
    const writePrompt = async () => {
      writeFileSync(spec.driver.promptFile, told);
      await writePlugin(directory, skills);
      return told;
    };
    const life = new AgentLife({ agent, spec }, { clock, log, writePrompt });
    void life.fell.then(() => hasFallen.add(life));
    return life;
  };
  const hasFallen = new WeakSet<AgentLife>();
  let life = open(session);
  let number = Date.now(); // the script agent does nothing twice for one message
  const driven: Driven = {
    directory,
    events,
    unasked,
    get life() {
      return life;
    },
    rise() {
      if (hasFallen.has(life)) life = open(life.session);
      return life.rise(new AbortController().signal);
    },
    async begin(body, limits = {}) {
      const up = await driven.rise();
      number += 1;
      return runTurn({
        agent: up,
        prompt: wakePrompt({
          agent,
          turn: `turn-${String(number).padStart(32, "0")}` as TurnId,
          entries: [message(number, body)],
          more: 0,
          isForgetful: false,
        }),
        limits: { turnTimeoutMs: farOff, silenceMs: farOff, ...limits },
        clock,
        onEvent: (event) => events.put(event),
      });
    },
    turn: async (body) => (await driven.begin(body)).ended,
    async [Symbol.asyncDispose]() {
      await life.lieDown();
      // What it has started may write until it is killed, too.
      rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
  return driven;
}

const message = (number: number, body: string): LeasedEntry => ({
  entry: number as EntryId,
  message: number as MessageId,
  from: AgentName.parse("bob"),
  body,
  sentAt: EpochMs.parse(1_700_000_000_000),
  inReplyTo: null,
  redelivered: false,
  broadcast: false,
});

/** Resolves when it shows a tool's call of that title, or of any. */
export async function calls({ events }: Driven, title?: string): Promise<void> {
  for (let event = await events.next(); event.kind !== "tool" || (title && !event.title.includes(title)); )
    event = await events.next();
}
