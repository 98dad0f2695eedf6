/** What the commands end with; docs/cli.md explains them. Numbers above 63 are those of sysexits.h. */
import { Fault } from "../contract/fault.ts";
import { refusedExitCode } from "../contract/programs.ts";
import { Refusal } from "../contract/refusal.ts";

export const exitCodes = {
  ok: 0,
  bug: 1,
  /** the forge is not as it should be */
  drift: 1,
  usage: 2,
  notRunning: 3,
  /** it runs, but not all of it is well */
  unwell: 4,
  /** a forge, or the running hive, does not answer */
  unavailable: 69,
  /** something has to be changed before it makes sense to try again */
  refused: refusedExitCode,
} as const;

/** Refusals that have a code of their own. */
const codeOf: Record<string, number> = {
  not_running: exitCodes.notRunning,
  forge_unreachable: exitCodes.unavailable,
};

/** What to say on stderr about an error that ends a command, and the code to end with. */
export function explain(error: unknown): { text: string; code: number } {
  if (error instanceof Refusal)
    return { text: `hive: ${error.message}\n      ${error.next}\n`, code: codeOf[error.code] ?? exitCodes.refused };
  if (error instanceof Fault) return { text: `hive: ${error.message}\n`, code: exitCodes.unavailable };
  return { text: `hive: ${error instanceof Error ? error.stack : String(error)}\n`, code: exitCodes.bug };
}
