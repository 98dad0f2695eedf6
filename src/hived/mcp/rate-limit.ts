/** How often an agent may call tools: a bucket for each, which empties steadily, and holds the calls of a minute. */
import type { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Clock } from "../../daemon/clock.ts";

/** How long a refusal is held back: a model loses nothing by it, and a flood of calls comes to rest behind its connections. */
export const refusedAfterMs = 1_000;

const minuteMs = 60_000;

/** Counts a call. @throws Refusal that says when there is room, a second later, when there is none */
export type CountCall = (agent: AgentName, perMinute: number) => Promise<void>;

/** @param signal ends what is held back */
export function openRateLimit(clock: Clock, signal: AbortSignal): CountCall {
  /** how full it was, in the milliseconds that it takes to empty, as of that time */
  const buckets = new Map<AgentName, { fullMs: number; at: number }>();
  return async (agent, perMinute) => {
    const now = clock.now();
    const before = buckets.get(agent) ?? { fullMs: 0, at: now };
    const left = Math.max(0, before.fullMs - Math.max(0, now - before.at)); // a clock may be set back
    const fullMs = left + minuteMs / perMinute;
    const waitMs = fullMs - minuteMs;
    buckets.set(agent, { fullMs: waitMs > 0 ? left : fullMs, at: now });
    if (waitMs <= 0) return;
    await clock.wait(refusedAfterMs, signal);
    throw new Refusal(
      "too_many_calls",
      `You have called tools more than ${perMinute} times a minute, which is your limit.`,
      `There is room for the next call at ${new Date(now + Math.ceil(waitMs)).toISOString()}. Call less often, or propose more under budgets.tool_calls_per_minute of your agent.yaml.`,
    );
  };
}
