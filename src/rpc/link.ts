/** One full-duplex connection of JSON lines between hived and a runner; both sides call, in any order. */
import { createServer, request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { z } from "zod";
import { Fault } from "../contract/fault.ts";
import type { LinkCalls } from "../contract/link.ts";
import { Refusal, RefusalBody } from "../contract/refusal.ts";
import { socketBacklog } from "./serve.ts";

const upgrade = "hive-link";
const mebibyte = 1024 * 1024;
/** A line carries at most the files of a docs directory, in base64. The other side breaks the link at one that is longer. */
const maxLineBytes = 64 * mebibyte;

const Line = z.union([
  z.object({ call: z.string(), id: z.number().int(), body: z.unknown() }),
  z.object({ answer: z.number().int(), body: z.unknown() }),
  z.object({ answer: z.number().int(), refusal: RefusalBody }),
  z.object({ answer: z.number().int(), fault: z.string() }),
]);

type Request<Calls extends LinkCalls, Name extends keyof Calls> = z.input<Calls[Name]["request"]>;
type Response<Calls extends LinkCalls, Name extends keyof Calls> = z.output<Calls[Name]["response"]>;

export type LinkHandlers<Calls extends LinkCalls> = {
  [Name in keyof Calls]: (request: z.output<Calls[Name]["request"]>) => Promise<z.input<Calls[Name]["response"]>>;
};

/** The other side of a link. */
export type Peer<Calls extends LinkCalls> = {
  /**
   * @throws Refusal as the other side said it, or `line_too_long` before anything is sent; Fault when the link breaks before
   *   the answer, or the other side said so.
   */
  call<Name extends keyof Calls & string>(name: Name, request: Request<Calls, Name>): Promise<Response<Calls, Name>>;
  /** resolves when the connection is gone */
  readonly closed: Promise<void>;
  close(): void;
};

/**
 * Speaks over an open connection: serves `mine` by the handlers, and calls `theirs`.
 * @param onBug told of what a handler threw that is neither refusal nor fault; the caller gets a fault.
 */
export function speak<Mine extends LinkCalls, Theirs extends LinkCalls>(
  socket: Duplex,
  mine: Mine,
  handlers: LinkHandlers<Mine>,
  theirs: Theirs,
  onBug: (error: unknown, call: string) => void,
): Peer<Theirs> {
  const waiting = new Map<number, { name: string; resolve(body: unknown): void; reject(error: Error): void }>();
  let lastId = 0;
  const write = (text: string) => {
    if (socket.destroyed) return;
    // What one commit answers and wakes is one call of the system, however many lines it has.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(`${text}\n`);
  };
  const serveCall = async (name: string, id: number, body: unknown) => {
    try {
      const row = mine[name];
      if (!row) throw new Refusal("unknown_call", `There is no call "${name}" on this link.`, "Update the other side.");
      const handle = handlers[name] as (request: unknown) => Promise<unknown>;
      write(lineOf({ answer: id, body: await handle(row.request.parse(body)) }, `The answer to ${name}`));
    } catch (error) {
      if (error instanceof Refusal) return write(JSON.stringify({ answer: id, refusal: error.toBody() }));
      if (!(error instanceof Fault)) onBug(error, name);
      const fault = error instanceof Error ? error.message : String(error);
      write(JSON.stringify({ answer: id, fault }));
    }
  };
  const take = (text: string) => {
    const line = Line.parse(JSON.parse(text));
    if ("call" in line) return void serveCall(line.call, line.id, line.body);
    const asked = waiting.get(line.answer);
    if (!asked) return;
    waiting.delete(line.answer);
    if ("refusal" in line) asked.reject(Refusal.fromBody(line.refusal));
    else if ("fault" in line) asked.reject(new Fault(line.fault));
    else asked.resolve(line.body);
  };
  readLines(socket, take, (error) => {
    onBug(error, "line");
    socket.destroy();
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("error", () => socket.destroy());
    socket.on("end", () => socket.destroy()); // an upgraded connection stays half open otherwise, and a dead peer unnoticed
    socket.on("close", () => {
      for (const { name, reject } of waiting.values()) reject(new Fault(`the link broke before ${name} was answered`));
      waiting.clear();
      resolve();
    });
  });
  return {
    closed,
    close: () => socket.destroy(),
    async call(name, request) {
      if (socket.destroyed) throw new Fault("the link is broken");
      lastId += 1;
      const id = lastId;
      const line = lineOf({ call: name, id, body: request }, name);
      const answer = new Promise<unknown>((resolve, reject) => waiting.set(id, { name, resolve, reject }));
      write(line);
      return theirs[name]?.response.parse(await answer) as Response<Theirs, typeof name>;
    },
  };
}

/** @param what names it to a person. @throws Refusal `line_too_long`: of that call alone, where the link would break for all */
function lineOf(line: unknown, what: string): string {
  const text = JSON.stringify(line);
  // No character has more than three bytes for each unit of its length: most lines need not be measured.
  if (text.length * 3 <= maxLineBytes || Buffer.byteLength(text) <= maxLineBytes) return text;
  const size = Math.ceil(Buffer.byteLength(text) / mebibyte);
  throw new Refusal(
    "line_too_long",
    `${what} would take ${size} MiB between hived and its runner, more than the ${maxLineBytes / mebibyte} MiB of a line.`,
    "Make what it carries smaller.",
  );
}

/** Calls `take` for each line; `onGarbage` once when a line is too long or `take` throws, and nothing after it. */
function readLines(socket: Duplex, take: (line: string) => void, onGarbage: (error: unknown) => void): void {
  let parts: Buffer[] = [];
  let bytes = 0;
  let broken = false;
  const fail = (error: unknown) => {
    broken = true;
    onGarbage(error);
  };
  socket.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0 && !broken; end = chunk.indexOf(10, from)) {
      const last = chunk.subarray(from, end);
      const line = (parts.length === 0 ? last : Buffer.concat([...parts, last])).toString("utf8");
      parts = [];
      bytes = 0;
      from = end + 1;
      try {
        take(line);
      } catch (error) {
        fail(error);
      }
    }
    if (broken) return;
    if (from < chunk.length) parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > maxLineBytes) fail(new Error(`a line of over ${maxLineBytes} bytes`));
  });
}

/** Listens for runners at a unix socket; each connection that asks for the upgrade is handed over, raw. */
export async function acceptLinks(
  socketPath: string,
  onLink: (socket: Duplex) => void,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(426, { connection: "upgrade", upgrade }).end();
  });
  const open = new Set<Duplex>();
  server.on("upgrade", (_request: IncomingMessage, socket: Duplex) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${upgrade}\r\n\r\n`);
    onLink(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path: socketPath, backlog: socketBacklog }, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Connects to hived's runner socket. @throws the system's error when nobody listens: a fault outside. */
export function connectLink(socketPath: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ socketPath, headers: { connection: "upgrade", upgrade } });
    asked.once("upgrade", (_response, socket) => resolve(socket));
    asked.once("response", (response) => reject(new Fault(`the runner socket answered ${response.statusCode}`)));
    asked.once("error", reject);
    asked.end();
  });
}
