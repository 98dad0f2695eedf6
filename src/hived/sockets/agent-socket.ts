/**
 * One socket per launch of an agent, in a directory of its own that is mounted into its sandbox: who can reach it is that
 * agent, and no request carries a name. Messages of MCP are posted to `/mcp`.
 */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { Fault } from "../../contract/fault.ts";
import type { AgentName, LaunchId } from "../../contract/names.ts";
import type { Log } from "../../daemon/log.ts";
import { socketBacklog } from "../../rpc/serve.ts";
import { aliveLaunches } from "../agents/launches.ts";
import type { Core } from "../core.ts";
import type { PostAnswer, Session } from "../mcp/session.ts";
import type { AgentTools } from "../mcp/tools.ts";
import { runFiles } from "../runtimes/view.ts";
import { prepareSocket } from "./socket-directory.ts";

export type AgentSockets = {
  /** Listens for a launch of the agent; found done when it does already. */
  open(launch: LaunchId, agent: AgentName): Promise<void>;
  /** Ends the socket and removes its directory, with the launch's secrets. */
  close(launch: LaunchId): Promise<void>;
  /** After a start: listens again for the launches that may be alive, and removes what others left behind. */
  resume(): Promise<void>;
  /** Stops listening; the launches live on. */
  closeAll(): Promise<void>;
};

type Parts = { core: Core; launchesRoot: string; tools: AgentTools; version: string };
type Listening = { server: Server; closeSession(): Promise<void> };

export function openAgentSockets({ core, launchesRoot, tools, version }: Parts): AgentSockets {
  const listening = new Map<LaunchId, Promise<Listening>>();
  const directoryOf = (launch: string) => join(launchesRoot, launch);
  const listen = async (launch: LaunchId, agent: AgentName): Promise<Listening> => {
    // Loaded when the first agent is there: the SDK is a quarter of a second of a start that others wait for.
    const { openSession } = await import("../mcp/session.ts");
    let session: Promise<Session> | undefined;
    /** At the first message: most agents sleep most of the time, and this is the larger part of what a launch holds here. */
    const opened = () => {
      session ??= openSession({ agent, launch }, tools, { version });
      return session;
    };
    const path = join(directoryOf(launch), runFiles.socket);
    prepareSocket(path);
    return {
      server: await serveSession(path, opened, core.log),
      closeSession: async () => (await session)?.close(),
    };
  };
  const stop = async (launch: LaunchId) => {
    const opened = listening.get(launch);
    listening.delete(launch);
    if (!opened) return;
    const { server, closeSession } = await opened;
    await closeSession();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  const open = async (launch: LaunchId, agent: AgentName) => {
    const opened = listening.get(launch) ?? listen(launch, agent);
    listening.set(launch, opened);
    await opened.catch((error: unknown) => {
      listening.delete(launch); // so that trying again tries again
      throw error;
    });
  };
  return {
    open,
    async close(launch) {
      await stop(launch);
      rmSync(directoryOf(launch), { recursive: true, force: true });
    },
    async resume() {
      mkdirSync(launchesRoot, { recursive: true, mode: 0o700 });
      const alive = core.db.read(aliveLaunches);
      const known = new Set<string>(alive.map(({ id }) => id));
      for (const name of readdirSync(launchesRoot))
        if (!known.has(name)) rmSync(directoryOf(name), { recursive: true, force: true });
      await Promise.all(alive.map(({ id, agent }) => open(id, agent)));
    },
    async closeAll() {
      await Promise.all([...listening.keys()].map(stop));
    },
  };
}

async function serveSession(path: string, session: () => Promise<Session>, log: Log): Promise<Server> {
  const server = createServer((request, response) => {
    answer(session, request)
      .catch((error: unknown) => {
        if (!(error instanceof Fault)) log.error({ err: error }, "a message of an agent failed");
        return { status: 503 as const };
      })
      .then((reply) => respond(response, reply));
  });
  // An idle connection is never closed from here: a client could be writing into it, and not know what became of that.
  server.keepAliveTimeout = 0;
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: socketBacklog }, resolve);
  });
  return server;
}

/** Far more than a coding agent has; a flood of calls rests behind them, as each refusal is held back for a second. */
const mostConnections = 128;

type Reply = Omit<PostAnswer, "status"> & { status: PostAnswer["status"] | 404 | 413 | 503 };

const largestMessageBytes = 2 * 1024 * 1024;

async function answer(session: () => Promise<Session>, request: IncomingMessage): Promise<Reply> {
  if (request.method !== "POST" || request.url !== "/mcp") return { status: 404 };
  const text = await readText(request);
  if (text === undefined) return { status: 413 };
  const message = parseJson(text);
  return (await session()).post(message);
}

/** The request's body; undefined when it is too long: it is then read to its end, as its sender hears nothing before. */
function readText(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (part: Buffer) => {
      bytes += part.length;
      if (bytes <= largestMessageBytes) parts.push(part);
    });
    request.on("end", () => resolve(bytes <= largestMessageBytes ? Buffer.concat(parts).toString("utf8") : undefined));
    request.on("error", reject);
  });
}

/** What does not parse is undefined, which is no message either. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function respond(response: ServerResponse, { status, body }: Reply): void {
  const text = body === undefined ? "" : JSON.stringify(body);
  response
    .writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
    .end(text);
}
