/** The forge in one process: opened, repaired after a crash, served, and stopped in order. */
import { mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { type FastifyInstance, fastify } from "fastify";
import { type Logger, pino } from "pino";
import type { z } from "zod";
import { registerApi } from "./api/routes.ts";
import { ForgeConfig } from "./config.ts";
import { openDatabase } from "./database/open.ts";

import { prepareAccounts } from "./first-start.ts";
import type { Forge } from "./forge.ts";
import { HOOKS } from "./git/hooks.ts";
import { Git } from "./git/run.ts";
import { KeyedLocks } from "./git/semaphore.ts";
import { serveGit } from "./git-http.ts";
import { registerOAuth } from "./oauth/endpoints.ts";
import { keyFileOf, signingKeyIn } from "./oauth/id-token.ts";
import { registerPages } from "./pages/routes.ts";
import { recover } from "./recover.ts";
import { deliverWebhooks, queueDeliveries } from "./webhooks.ts";

export interface RunningForge {
  url: string;
  /** Resolves when nothing of it is left running. */
  stop(): Promise<void>;
}
/** What tests steer, and where the log goes. */
export interface Surroundings {
  log?: Logger;
  now?: () => number;
}

/**
 * Starts a forge on a data directory of its own.
 * @throws DatabaseRefusal the directory is in use or newer; Error with code EADDRINUSE the port is taken
 */
export async function startForge(input: ForgeConfig, surroundings: Surroundings = {}): Promise<RunningForge> {
  const config = ForgeConfig.parse(input);
  const forge = openForge(config, surroundings);
  const app = fastify({ logger: false, forceCloseConnections: true, routerOptions: { maxParamLength: 2000 } });
  const stopping = new AbortController();
  let gitEnds: () => Promise<void>;
  try {
    await recover(forge);
    await prepareAccounts(forge, config.adminName, config.adminTokenFile);
    await registerApi(app, forge);
    await registerOAuth(app, forge, signingKeyIn(keyFileOf(config.dataDir)));
    await registerPages(app, forge);
    gitEnds = await serveGit(app, forge);
    await app.listen({ host: config.host, port: config.port });
    forge.url = (config.url ?? addressOf(app)).replace(/\/+$/, "");
  } catch (error) {
    await app.close();
    forge.db.close();
    throw error;
  }
  const deliveries = deliverWebhooks(forge, stopping.signal);
  return {
    url: forge.url,
    stop: async () => {
      await app.close();
      await gitEnds();
      stopping.abort();
      await deliveries;
      forge.db.close();
    },
  };
}

/** Opens the data without serving it. */
export function openForge(config: z.output<typeof ForgeConfig>, { log, now }: Surroundings = {}): Forge {
  const reposDir = path.join(config.dataDir, "repos");
  mkdirSync(reposDir, { recursive: true, mode: 0o700 });
  const forge: Forge = {
    db: openDatabase(path.join(config.dataDir, "forge.db")),
    git: new Git(path.join(config.dataDir, "git"), { limit: 2 * availableParallelism(), hooks: HOOKS }),
    url: config.url ?? `http://${config.host}:${config.port}`, // for a free port: once it is known
    reposDir,
    locks: new KeyedLocks(),
    now: now ?? Date.now,
    passwordCost: config.passwordCost,
    onEvent: (event) => queueDeliveries(forge, event),
    log: log ?? pino({ level: "silent" }),
  };
  return forge;
}

function addressOf(app: FastifyInstance): string {
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("the forge listens on no port");
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}`;
}
