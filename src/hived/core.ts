/** What nearly every verb of the coordinator stands on; made once by start.ts and handed to each. */
import { randomBytes } from "node:crypto";
import type { Place } from "../contract/launch.ts";
import type { runnerCalls } from "../contract/link.ts";
import type { LaunchId } from "../contract/names.ts";
import type { Clock } from "../daemon/clock.ts";
import type { Log } from "../daemon/log.ts";
import type { Peer } from "../rpc/link.ts";
import type { Database } from "./database/write.ts";
import type { EventLog } from "./events/event-log.ts";
import type { Scheduler } from "./work/scheduler.ts";

export type Core = {
  db: Database;
  events: EventLog;
  scheduler: Pick<Scheduler, "enqueue" | "retryNow">;
  clock: Clock;
  log: Log;
};

/** The connected runner. Both throw a Fault while there is none. */
export type Runner = {
  place(): Place;
  call: Peer<typeof runnerCalls>["call"];
};

/** 128 random bits behind a prefix. */
export const newLaunchId = (): LaunchId => `launch-${randomBytes(16).toString("hex")}` as LaunchId;
