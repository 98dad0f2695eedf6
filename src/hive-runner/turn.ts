/** One turn of a coding agent, from its prompt to its report: evidence is counted, and two clocks watch it. */
import { setImmediate as nextRound } from "node:timers/promises";
import type { LaunchSpec } from "../contract/launch.ts";
import type { TurnEnd } from "../contract/link.ts";
import type { LiveEvent } from "../contract/turn-log.ts";
import type { Clock } from "../daemon/clock.ts";
import type { Agent } from "./agent.ts";
import type { Sign } from "./drivers/driver.ts";
import { type Cut, outcomeOf } from "./outcome.ts";
import type { WakePrompt } from "./wake-prompt.ts";

export type TurnReport = Omit<TurnEnd, "boot" | "agent" | "launch" | "turn">;

export type RunningTurn = {
  /** never rejects */
  readonly ended: Promise<TurnReport>;
  /** Notes how much the model has produced so far: only what it produces later can answer what `recv` hands out now. */
  markReceived(mark: number): Promise<void>;
  /** Ends it step by step: asks the agent, interrupts it, kills it; `rungMs` is the time that each step gets. */
  cut(why: Cut, rungMs?: number): void;
};

export type TurnParts = {
  agent: Agent;
  prompt: WakePrompt;
  limits: Pick<LaunchSpec["limits"], "turnTimeoutMs" | "silenceMs">;
  clock: Clock;
  onEvent: (event: LiveEvent) => void;
  /** told now and then while signs come, as not all of them are events */
  onAlive?: () => void;
};

const usualRungMs = 2_000;
/** Times are not compared: a clock that was set, or a machine that slept, makes no turn silent. */
const silentLooks = 10;

export function runTurn(parts: TurnParts): RunningTurn {
  const { agent, clock, limits } = parts;
  const over = new AbortController();
  const marks = new Map<number, number>(); // to what the model had produced before
  let outputs = 0;
  let signs = 0;
  let cutBy: Cut | null = null;

  const cut: RunningTurn["cut"] = (why, rungMs = usualRungMs) => {
    if (over.signal.aborted || cutBy !== null) return;
    cutBy = why;
    void descend(agent, { clock, rungMs, over: over.signal });
  };
  const onSign = ({ event, isOutput }: Sign) => {
    signs += 1;
    if (isOutput) outputs += 1;
    if (event) parts.onEvent(event);
  };
  /** Ends the turn when nothing came for as long as is allowed, or up to a tenth more. */
  const watchSilence = async () => {
    for (let silent = 0, seen = 0; silent < silentLooks; ) {
      await clock.wait(limits.silenceMs / silentLooks, over.signal);
      if (over.signal.aborted) return;
      silent = signs === seen ? silent + 1 : 0;
      if (signs !== seen) parts.onAlive?.();
      seen = signs;
    }
    cut("silent");
  };
  const watchTotal = async () => {
    await clock.wait(limits.turnTimeoutMs, over.signal);
    cut("too long");
  };
  const run = async (): Promise<TurnReport> => {
    const end = await agent.conversation.prompt(parts.prompt, onSign);
    over.abort();
    return {
      ...outcomeOf(end, cutBy, (end.outputTokens ?? outputs) > 0),
      evidence: { outputs, outputTokens: countOf(end.outputTokens) },
      usage: {
        ...{ model: agent.conversation.model(), inputTokens: countOf(end.inputTokens) },
        costUsd: Number.isFinite(end.costUsd) ? end.costUsd : null,
        ...(isCounted(end.context) && { context: end.context }),
      },
      answeredMarks: [...marks].filter(([, before]) => outputs > before).map(([mark]) => mark),
      session: agent.conversation.session,
    };
  };
  const ended = run();
  void watchSilence();
  void watchTotal();
  return {
    ended,
    cut,
    async markReceived(mark) {
      // The call of `recv` came another way than what the agent wrote before it: that is read first.
      for (let round = 0; round < 3; round += 1) await nextRound();
      marks.set(mark, outputs);
    },
  };
}

/** Sums of numbers that an agent has made up may be none that can be counted to: those are left out of the report. */
const countOf = (count: number | null): number | null => (count !== null && Number.isSafeInteger(count) ? count : null);

const isCounted = (context: { tokens: number; window: number } | null | undefined): boolean =>
  context != null && Number.isSafeInteger(context.tokens) && Number.isSafeInteger(context.window);

/** The ladder; each step is taken only when the turn is not over after the one before. */
async function descend(
  { conversation, process }: Agent,
  { clock, rungMs, over }: { clock: Clock; rungMs: number; over: AbortSignal },
): Promise<void> {
  conversation.cancel();
  await clock.wait(rungMs, over);
  if (over.aborted) return;
  process.interrupt();
  await clock.wait(rungMs, over);
  if (!over.aborted) await process.end();
}
