/** Fixed ports where they are free at the first start; a hive then keeps its own, since links and clone URLs name them. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Refusal } from "../../contract/refusal.ts";

export const defaultPorts = { forge: 3000, dashboard: 7777 } as const;
const host = "127.0.0.1";

/** A port for a new hive: the usual one, else any that is free. */
export async function choosePort(usual: number): Promise<number> {
  return (await freePort(usual)) ?? (await freePort(0)) ?? usual;
}

/** @throws Refusal `port_taken`. */
export async function checkPort(port: number, what: string, next: string): Promise<void> {
  if ((await freePort(port)) === undefined)
    throw new Refusal(
      "port_taken",
      `Port ${port}, which this hive uses for ${what}, is taken by another program.`,
      next,
    );
}

/** The port, or for 0 any, if it is free and no other hive is about to use it. */
async function freePort(port: number): Promise<number | undefined> {
  const server = await listen({ port, host });
  if (!server) return undefined;
  const { port: free } = server.address() as AddressInfo;
  const isReserved = await reserve(free);
  await new Promise((resolve) => server.close(resolve));
  return isReserved ? free : undefined;
}

const reserved = new Set<number>();

/**
 * Keeps a port from other hives for as long as we live, by the name of an abstract unix socket: it is bound only seconds
 * later, and two that start at once must not choose the same.
 */
async function reserve(port: number): Promise<boolean> {
  if (reserved.has(port)) return true;
  const held = await listen({ path: `\0hyperhive-port-${port}` });
  if (held) reserved.add(port);
  held?.unref();
  return held !== undefined;
}

async function listen(at: { port: number; host: string } | { path: string }): Promise<Server | undefined> {
  const server = createServer();
  try {
    server.listen(at);
    await once(server, "listening");
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE" || code === "EACCES") return undefined;
    throw error;
  }
}

type Listener = {
  descriptor: number;
  port: number;
  /** closes our own copy, once a child has inherited the listener */
  release(): void;
};

/**
 * Binds a listener to hand on to a child, which must be spawned in the same turn of the event loop: until our copy is
 * closed, a connection that comes in between would be taken, and lost, by us.
 * @throws the system's error when the port is taken.
 */
export async function bindListener(port: number): Promise<Listener> {
  const server = createServer();
  server.listen({ port, host, backlog: 512 });
  await once(server, "listening");
  const { port: bound } = server.address() as AddressInfo;
  return { descriptor: descriptorOf(server), port: bound, release: () => server.close() };
}

/** Of one that listens. Not public: a server's handle knows it (net.Server._handle; tests watch over it). */
export const descriptorOf = (server: Server): number => (server as unknown as { _handle: { fd: number } })._handle.fd;
