/** The web server: checks every request, then gives it to the one part that it is for. Plain HTTP, as it has six routes. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Fault } from "../contract/fault.ts";
import { Refusal } from "../contract/refusal.ts";
import { routes } from "../contract/routes.ts";
import type { Log } from "../daemon/log.ts";
import { client, openPool } from "../rpc/client.ts";
import { openStreamPool } from "../rpc/stream.ts";
import type { Assets } from "./assets.ts";
import { parseJson, readJsonText } from "./body.ts";
import { forward } from "./forward.ts";
import { checkSameOrigin, hostOf, type Site, setSecurityHeaders } from "./headers.ts";
import { takeMcp } from "./mcp-http.ts";
import { beginForgeSignIn, finishForgeSignIn, sessionOf, signIn, signOut } from "./sign-in.ts";
import { eventsAskedFor, openStreams, turnAskedFor } from "./stream.ts";
import { takeDelivery } from "./webhook.ts";

/** Calls that are answered with a stream. */
const streamsAskedFor = new Map([
  ["events", eventsAskedFor],
  ["turn", turnAskedFor],
]);

const mcpPath = "/mcp";
const bodyLimitBytes = 64 * 1024;
const maxConnections = 256;

export type WebParts = { site: Site; assets: Assets; webSocket: string; log: Log };
export type Web = { server: Server; stop(): Promise<void> };

type Answer = { status?: number; type?: string; cache?: string; body: string | Buffer };
/** undefined: it has answered by itself */
type Handled = Answer | undefined;

/** A server that does not listen yet. */
export function openWeb({ site, assets, webSocket, log }: WebParts): Web {
  const stopping = new AbortController();
  const hived = client(routes, "web", webSocket);
  const pool = openPool(webSocket);
  const streamPool = openStreamPool(webSocket);
  const streams = openStreams(streamPool, stopping.signal);

  const serveApi = async (request: IncomingMessage, response: ServerResponse, name: string): Promise<Handled> => {
    checkSameOrigin(request, site);
    const asked = streamsAskedFor.get(name);
    if (asked) {
      checkMethod(request, "GET");
      await streams.open(asked(request), response, sessionOf(request, site));
      return undefined;
    }
    checkMethod(request, "POST");
    const body = parseJson(await readJsonText(request, bodyLimitBytes));
    if (name === "signIn") return json(await signIn(hived, site, request, response, body));
    if (name === "beginForgeSignIn") return json(await beginForgeSignIn(hived, site, response));
    if (name === "finishForgeSignIn") return json(await finishForgeSignIn(hived, site, request, response, body));
    if (name === "signOut") return json(await signOut(hived, site, request, response));
    return { type: "application/json", body: await forward(pool, name, body, sessionOf(request, site)) };
  };
  const serveDashboard = (request: IncomingMessage, response: ServerResponse): Handled | Promise<Handled> => {
    const path = pathOf(request);
    if (path === mcpPath) return serveMcp(request, response);
    if (path.startsWith("/api/")) return serveApi(request, response, path.slice("/api/".length));
    checkMethod(request, "GET", "HEAD");
    const asset = assets.find(path);
    if (!asset) throw notFound();
    return asset;
  };
  const serveMcp = async (request: IncomingMessage, response: ServerResponse): Promise<Handled> => {
    checkMethod(request, "POST");
    const { status, body } = await takeMcp(hived, site, request).catch((error: unknown) => {
      if (error instanceof Refusal && error.code === "bad_token") response.setHeader("www-authenticate", "Bearer");
      throw error;
    });
    return { status, body: body === null ? "" : JSON.stringify(body) };
  };
  const serveHook = async (request: IncomingMessage, response: ServerResponse): Promise<Handled> => {
    const path = pathOf(request);
    if (path === "/health") return json({});
    if (path === mcpPath) return serveMcp(request, response);
    if (path !== site.hookPath) throw notFound();
    checkMethod(request, "POST");
    return json(await takeDelivery(hived, request));
  };
  const server = createServer(limits, (request, response) => {
    void answer(log, request, response, () =>
      hostOf(request, site) === "dashboard" ? serveDashboard(request, response) : serveHook(request, response),
    );
  });
  server.maxConnections = maxConnections;
  server.setTimeout(60_000); // a client that neither sends nor reads; a stream's pings keep it
  return {
    server,
    async stop() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      setTimeout(() => server.closeAllConnections(), 300).unref();
      await closed;
      await Promise.all([hived.close(), pool.destroy(), streamPool.destroy()]);
    },
  };
}

/** A client that drips its request is cut off with 408; measured, Node's own limits let it stay for minutes. */
const limits = {
  headersTimeout: 5_000,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 10_000,
  maxHeaderSize: 8 * 1024,
  requireHostHeader: false, // a request without one is answered like one with a wrong one
};

async function answer(
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
  handle: () => Handled | Promise<Handled>,
): Promise<void> {
  setSecurityHeaders(response);
  try {
    const handled = await handle();
    if (handled) send(request, response, handled);
  } catch (error) {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      if (!isExpected(error)) log.error({ err: error, path: pathOf(request) }, "an answer broke off");
      return;
    }
    if (!isExpected(error)) log.error({ err: error, path: pathOf(request) }, "a request ran into a bug");
    send(request, response, errorAnswer(error));
  }
}

/** Refusals, faults, and a client that went away in the middle of its request. */
const isExpected = (error: unknown) =>
  error instanceof Refusal || error instanceof Fault || (error as NodeJS.ErrnoException).code === "ECONNRESET";

function send(request: IncomingMessage, response: ServerResponse, { status = 200, type, cache, body }: Answer): void {
  response.statusCode = status;
  response.setHeader("content-type", type ?? "application/json");
  response.setHeader("content-length", Buffer.byteLength(body));
  if (cache) response.setHeader("cache-control", cache);
  if (!request.complete) {
    response.setHeader("connection", "close"); // its body was not read to the end, and will not be
    request.resume();
  }
  response.end(request.method === "HEAD" ? undefined : body);
}

const json = (value: unknown): Answer => ({ body: JSON.stringify(value) });

const statusOf: Record<string, number> = {
  bad_request: 400,
  not_signed_in: 401,
  bad_token: 401,
  bad_signature: 401,
  cross_site: 403,
  not_found: 404,
  method_not_allowed: 405,
  too_large: 413,
  unsupported_media_type: 415,
  misdirected: 421,
  too_many_streams: 429,
};

function errorAnswer(error: unknown): Answer {
  if (error instanceof Refusal) return { status: statusOf[error.code] ?? 422, ...json(error.toBody()) };
  if (error instanceof Fault) return { status: 503, ...json({ message: error.message }) };
  return { status: 500, ...json({ message: "Something went wrong inside; it is in the log." }) };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?", 1)[0] ?? "";
}

function checkMethod(request: IncomingMessage, ...methods: string[]): void {
  if (methods.includes(request.method ?? "")) return;
  throw new Refusal("method_not_allowed", "That is not done here.", `Use ${methods.join(" or ")}.`);
}

const notFound = () => new Refusal("not_found", "There is nothing here.", "Begin at the front page.");
