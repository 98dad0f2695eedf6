import { Fault } from "../contract/fault.ts";

/** System and library error codes that mean "the other side, or the machine, could not just now". */
const outside = new Set([
  ..."ECONNREFUSED ECONNRESET ENOENT EPIPE ETIMEDOUT EAGAIN EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN".split(" "),
  ..."ENOSPC EDQUOT EROFS EMFILE ENFILE EIO".split(" "),
  ..."UND_ERR_CONNECT_TIMEOUT UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT UND_ERR_SOCKET UND_ERR_CLOSED".split(" "),
]);

/** With their extended codes, such as SQLITE_IOERR_FSYNC. */
const outsideSqlite = /^SQLITE_(FULL|BUSY|IOERR)/;

/** Whether an error is a fault outside of us, to be tried again; anything else but a refusal is a bug. */
export function isOutsideFault(error: unknown): boolean {
  if (error instanceof Fault) return true;
  if (!(error instanceof Error)) return false;
  if (error.name === "TimeoutError") return true;
  const { code, cause } = error as NodeJS.ErrnoException & { cause?: unknown };
  return (
    (typeof code === "string" && (outside.has(code) || outsideSqlite.test(code))) ||
    (cause !== undefined && isOutsideFault(cause))
  );
}

/** Milliseconds to wait after so many failures in a row: doubling from half a second, capped. */
export function backoffMs(failures: number, capMs = 30_000): number {
  return Math.min(500 * 2 ** Math.min(failures - 1, 20), capMs);
}

/** What went wrong, as one line for a log or a person. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : "";
  return `${error.message || error.name}${cause}`;
}
