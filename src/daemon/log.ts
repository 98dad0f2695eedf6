import { pino } from "pino";

export type Log = pino.Logger;

/**
 * A process's log: JSON lines on stderr, which its parent keeps. Nothing that holds a secret is ever logged.
 * `HIVE_LOG_LEVEL` sets the level (trace to fatal, silent); the default is info.
 */
export function openLog(process_: string): Log {
  const level = process.env["HIVE_LOG_LEVEL"] ?? "info";
  return pino({ name: process_, level, base: { name: process_ } }, pino.destination({ dest: 2, sync: true }));
}
