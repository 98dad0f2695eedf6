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

import { allRepos } from "./domain/repos.ts";
import { prepareAccounts } from "./first-start.ts";
import { type Forge, repoDir } from "./forge.ts";
import { HOOKS } from "./git/hooks.ts";
import { Git } from "./git/run.ts";
import { KeyedLocks } from "./git/semaphore.ts";
import { serveGit } from "./git-http.ts";
import { Housekeeping } from "./housekeeping.ts";
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
    await forge.git.objects.close();
    forge.db.close();
    throw error;
  }
  for (const { id } of allRepos(forge.db)) forge.housekeeping.ask(id);
  const deliveries = deliverWebhooks(forge, stopping.signal);
  return {
    url: forge.url,
    stop: async () => {
      await app.close();
      await gitEnds();
      await forge.housekeeping.stop();
      stopping.abort();
      await deliveries;
      await forge.git.objects.close();
      forge.db.close();
    },
  };
}

/** Opens the data without serving it. */
export function openForge(config: z.output<typeof ForgeConfig>, { log, now }: Surroundings = {}): Forge {
  const reposDir = path.join(config.dataDir, "repos");
  mkdirSync(reposDir, { recursive: true, mode: 0o700 });
  const git = new Git(path.join(config.dataDir, "git"), { limit: 2 * availableParallelism(), hooks: HOOKS });
  const forge: Forge = {
    db: openDatabase(path.join(config.dataDir, "forge.db")),
    git,
    url: config.url ?? `http://${config.host}:${config.port}`, // for a free port: once it is known
    reposDir,
    locks: new KeyedLocks(),
    housekeeping: new Housekeeping({
      dirOf: (id) => repoDir(forge, { id }),
      environment: git.environment,
      onEnd: (repo, fault) =>
        fault
          ? forge.log.warn({ repo, err: fault }, "a repository could not be packed")
          : forge.log.info({ repo }, "a repository was packed"),
    }),
    now: now ?? Date.now,
    passwordCost: config.passwordCost,
    onEvent: (event) => {
      queueDeliveries(forge, event);
      forge.housekeeping.see(event);
    },
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
