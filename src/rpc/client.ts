/** The typed client of a route table: one function per row that the caller may use. */
import { Pool } from "undici";
import { z } from "zod";
import { Fault } from "../contract/fault.ts";
import { Refusal, RefusalBody } from "../contract/refusal.ts";
import { type Caller, type Route, type RouteTable, sessionHeader } from "../contract/table.ts";
import type { RowsOf } from "./serve.ts";

type Options = { session?: string; signal?: AbortSignal };

type Call<Row extends Route> = (
  request: z.input<Row["request"]>,
  options?: Options,
) => Promise<z.output<Row["response"]>>;

export type Client<Table extends RouteTable, Who extends Caller> = {
  [Name in RowsOf<Table, Who> as Table[Name]["stream"] extends true ? never : Name]: Call<Table[Name]>;
} & { close(): Promise<void> };

/**
 * Calls a table's rows over a unix socket; requests and answers are parsed.
 * @throws Refusal as the other side said it; Fault when it cannot be reached or says that it could not just now.
 */
export function client<const Table extends RouteTable, const Who extends Caller>(
  table: Table,
  who: Who,
  socketPath: string,
): Client<Table, Who> {
  const pool = openPool(socketPath);
  const calls: Record<string, unknown> = { close: () => pool.destroy() };
  for (const [name, row] of Object.entries(table)) {
    if (!row.callers.includes(who) || row.stream) continue;
    calls[name] = async (request: unknown, options: Options = {}) => {
      const answer = await post(pool, name, row.request.parse(request), options);
      return row.response.parse(JSON.parse(await readBody(answer)));
    };
  }
  return calls as Client<Table, Who>;
}

/** A pool of connections to one unix socket. */
export const openPool = (socketPath: string, options: Partial<Pool.Options> = {}): Pool =>
  new Pool("http://hive", { socketPath, connections: 64, ...options });

type Answer = Awaited<ReturnType<Pool["request"]>>;

/** Posts a row's request; an answer other than 200 is thrown as what it says. */
export async function post(pool: Pool, name: string, request: unknown, options: Options): Promise<Answer> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (options.session) headers[sessionHeader] = options.session;
  const signal = options.signal ?? null;
  const asked = pool.request({ method: "POST", path: `/${name}`, headers, body: textOf(request), signal });
  const answer = await asked.catch((error: Error) => {
    if (options.signal?.aborted) throw error;
    throw new Fault(`${name} could not be reached`, { cause: error });
  });
  if (answer.statusCode === 200) return answer;
  throw errorOf(answer.statusCode, await readBody(answer), name);
}

/** @throws Refusal `bad_request` for what is nested so deeply that it can't be written */
function textOf(request: unknown): string {
  try {
    return JSON.stringify(request);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new Refusal("bad_request", "It is nested too deeply.", "Send it flatter.");
  }
}

function readBody(answer: Answer): Promise<string> {
  return answer.body.text().catch((error: Error) => {
    throw new Fault("the connection broke in the middle of an answer", { cause: error });
  });
}

const FaultBody = z.object({ message: z.string() });

function errorOf(status: number, body: string, name: string): Error {
  const parsed: unknown = JSON.parse(body);
  const refusal = RefusalBody.safeParse(parsed);
  if (refusal.success) return Refusal.fromBody(refusal.data);
  const { message } = FaultBody.parse(parsed);
  return status === 503 ? new Fault(message) : new Error(`${name} answered ${status}: ${message}`);
}
