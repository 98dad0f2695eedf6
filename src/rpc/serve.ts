/** The route table becomes a server on a unix socket: one POST per row, of which only the caller's are served. */
import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";
import { fastify } from "fastify";
import { z } from "zod";
import { Fault } from "../contract/fault.ts";
import { Refusal } from "../contract/refusal.ts";
import {
  type Caller,
  type RequestOf,
  type ResponseOf,
  type Route,
  type RouteTable,
  sessionHeader,
} from "../contract/table.ts";

/** Node's default of 511 refuses a storm of reconnects at once (EAGAIN): a unix socket does not queue. */
export const socketBacklog = 4096;

/** The names of the rows that a caller may use. */
export type RowsOf<Table extends RouteTable, Who extends Caller> = {
  [Name in keyof Table]: Who extends Table[Name]["callers"][number] ? Name : never;
}[keyof Table] &
  string;

/** A stream's events, in batches: what is yielded together is written together. */
export type Batches<Row> = AsyncIterable<readonly { id: number | null; data: Row }[]>;

/** `signal` is aborted when the server stops; `session` is as the caller sent it, checked where the row is `signedIn`. */
type Handler<Row extends Route> = (
  request: RequestOf<Row>,
  signal: AbortSignal,
  session: string,
) => Row["stream"] extends true ? Batches<ResponseOf<Row>> : ResponseOf<Row> | Promise<ResponseOf<Row>>;

export type Handlers<Table extends RouteTable, Who extends Caller> = {
  [Name in RowsOf<Table, Who>]: Handler<Table[Name]>;
};

export type ServeOptions = {
  /** throws a refusal when the session is not one of a signed-in operator; asked for each row that is `signedIn` */
  checkSession?: (session: string) => void | Promise<void>;
  /** told of what is neither a refusal nor a fault: a bug */
  onBug: (error: unknown, route: string) => void;
};

/** Serves the rows of one caller at a socket path, or, for `hive-web` in tests, wherever fastify can listen. */
export async function serve<const Table extends RouteTable, const Who extends Caller>(
  table: Table,
  who: Who,
  socketPath: string,
  handlers: Handlers<Table, Who>,
  options: ServeOptions,
): Promise<{ close(): Promise<void> }> {
  // Keys such as `__proto__` are keys like others: each row's schema knows its own, and the agents' own sockets take them so, too.
  const keys = { onProtoPoisoning: "ignore", onConstructorPoisoning: "ignore" } as const;
  const app = fastify({ bodyLimit: 12 * 1024 * 1024, forceCloseConnections: true, ...keys });
  const stopping = new AbortController();
  app.setErrorHandler((error, request, reply) => {
    const { status, body, isBug } = answerTo(error);
    if (isBug) options.onBug(error, request.url);
    return reply.status(status).send(body);
  });
  for (const [name, row] of Object.entries(table)) {
    if (!row.callers.includes(who)) continue;
    const handle = handlers[name as RowsOf<Table, Who>] as (
      request: unknown,
      signal: AbortSignal,
      session: string,
    ) => unknown;
    app.post(`/${name}`, async (request, reply) => {
      const session = String(request.headers[sessionHeader] ?? "");
      if (row.signedIn && who === "web") await options.checkSession?.(session);
      const body = parseRequest(row.request, request.body);
      if (row.stream) {
        const batches = handle(body, stopping.signal, session) as Batches<unknown>;
        return stream(reply, batches, (error) => options.onBug(error, request.url));
      }
      return (await handle(body, stopping.signal, session)) ?? {};
    });
  }
  await app.listen({ path: socketPath, backlog: socketBacklog });
  return {
    async close() {
      stopping.abort();
      await app.close();
    },
  };
}

function parseRequest(schema: z.ZodType, body: unknown): unknown {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  throw new Refusal("bad_request", z.prettifyError(parsed.error), "Correct the request.");
}

/** @param onBug told of what broke it: the answer has begun, so nobody else hears of that */
async function stream(reply: FastifyReply, batches: Batches<unknown>, onBug: (error: unknown) => void): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  raw.flushHeaders();
  const iterator = batches[Symbol.asyncIterator]();
  raw.on("close", () => void iterator.return?.());
  try {
    for (let next = await iterator.next(); !next.done && !raw.destroyed; next = await iterator.next()) {
      const text = next.value.map(
        ({ id, data }) => `${id === null ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`,
      );
      if (!raw.write(text.join("")) && !raw.destroyed) await drained(raw);
    }
  } catch (error) {
    onBug(error);
  } finally {
    raw.end(); // also when the stream broke: a client that heard no end would wait for ever
  }
}

/** Resolves when what was written has gone out, or never will. */
function drained(raw: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      raw.off("drain", settle).off("close", settle);
      resolve();
    };
    raw.on("drain", settle).on("close", settle);
  });
}

function answerTo(error: unknown): { status: number; body: unknown; isBug: boolean } {
  if (error instanceof Refusal)
    return { status: error.code === "not_signed_in" ? 401 : 422, body: error.toBody(), isBug: false };
  if (error instanceof Fault) return { status: 503, body: { message: error.message }, isBug: false };
  const status = (error as { statusCode?: number }).statusCode ?? 500;
  const message =
    status < 500 && error instanceof Error ? error.message : "Something went wrong inside; it is in the log.";
  return { status, body: { message }, isBug: status >= 500 };
}
