/** Where the parts of the coordinator meet: opens, wires, starts in order, stops in reverse. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../contract/fault.ts";
import { AgentName, type BootId, type EpochMs } from "../contract/names.ts";
import type { HivedConfig } from "../contract/programs.ts";
import type { Clock } from "../daemon/clock.ts";
import type { Log } from "../daemon/log.ts";
import { listAgents } from "./agents/agents.ts";
import { openTokens } from "./agents/tokens.ts";
import { convergingApprovals } from "./approvals/approvals.ts";
import { followApproval } from "./approvals/follow.ts";
import { agentsChangedBy } from "./approvals/look.ts";
import { approve, deny } from "./approvals/operator.ts";
import { failApproval, tellDestroyed } from "./approvals/outcomes.ts";
import { proposeAgent, proposeConfig, proposeDecision } from "./approvals/propose.ts";
import { askForRevert, revertAgent } from "./approvals/revert.ts";
import { tellDeployment } from "./approvals/tell-deployment.ts";
import { openReceiver } from "./broker/lease.ts";
import { canaryEveryMs } from "./broker/limits.ts";
import { openOutsideReceiver, releaseOutside } from "./broker/outside.ts";
import { endRest } from "./broker/pairs.ts";
import { forgetMessages, forgetTurns } from "./broker/retention.ts";
import type { Core } from "./core.ts";
import { countBoot } from "./database/meta.ts";
import { openDatabase } from "./database/open.ts";
import { openEventLog } from "./events/event-log.ts";
import { retireTokensOf } from "./forge/accounts.ts";
import { openForge } from "./forge/client.ts";
import { openForgeHealth } from "./forge/health.ts";
import { agentsRepo, questionsRepo } from "./forge/plan.ts";
import { checkLayout, type ProvisionParts, provision, provisionAgent } from "./forge/provision.ts";
import { type Follow, type Forget, refresh } from "./forge/refresh.ts";
import { retireAgent } from "./forge/retire-agent.ts";
import { rotateTokens } from "./forge/rotate.ts";
import { readSignInClient } from "./forge/sign-in-app.ts";
import { tryHook } from "./forge/try-hook.ts";
import { forgeWayIn } from "./forge/way-in.ts";
import { openCatchUp } from "./intake/catch-up.ts";
import { deliverWebhook } from "./intake/doorbell.ts";
import { reconcile } from "./intake/reconcile.ts";
import { converge } from "./lifecycle/converge.ts";
import { followMain } from "./lifecycle/follow-main.ts";
import { examineAgent, readAgentPrompt } from "./lifecycle/look-into.ts";
import type { LifecycleParts } from "./lifecycle/parts.ts";
import { rebuildAgent, restart, restartAgent } from "./lifecycle/restart.ts";
import { retireTokens } from "./lifecycle/retire-tokens.ts";
import { updateDocs } from "./lifecycle/update-docs.ts";
import { enqueueConverge, parseDeploymentKey } from "./lifecycle/wishes.ts";
import { openDocs } from "./mcp/docs.ts";
import { openOutsideMcp } from "./mcp/outside.ts";
import { openTools } from "./mcp/tools.ts";
import { beginTelling, forgetPlace } from "./pulls/places.ts";
import { followPull, pullWork } from "./pulls/tell-pull.ts";
import { answerQuestion, cancelQuestion } from "./questions/answer.ts";
import { ask } from "./questions/ask.ts";
import { dropQuestion, followQuestion } from "./questions/follow.ts";
import { newestQuestions } from "./questions/questions.ts";
import { closeQuestionsOf } from "./questions/retire.ts";
import { questionWork } from "./questions/work.ts";
import { openAgentSockets } from "./sockets/agent-socket.ts";
import { openRunnerLink } from "./sockets/runner-link.ts";
import { serveRoutes } from "./sockets/serve-routes.ts";
import { forgetNudgesOf, forgetNudgesTo, nudgeAfterMs, openNudges } from "./threads/nudges.ts";
import { openThreads } from "./threads/open-threads.ts";
import { openThreadPublisher, type ThreadPublisher } from "./threads/publish.ts";
import { type Handler, openScheduler } from "./work/scheduler.ts";
import { reviveFailed } from "./work/work.ts";

type Outside = { clock: Clock; log: Log; signal: AbortSignal };

/**
 * Starts the coordinator; it serves when this resolves, whether or not its forge answers yet.
 * @throws Refusal for what the operator has to mend, such as a database of a newer version.
 */
export async function startHived(
  config: HivedConfig,
  { clock, log, signal }: Outside,
): Promise<{ stop(): Promise<void> }> {
  mkdirSync(config.home, { recursive: true, mode: 0o700 });
  rmSync(scratchOf(config), { recursive: true, force: true }); // a proposal that was killed left its token there
  let recover = (): void => undefined; // nothing is started yet
  const db = openDatabase(join(config.home, "hive.db"), (problem) => {
    if (problem !== null) return log.error({ problem }, "the database can't be written");
    log.info("the database can be written again");
    recover();
  });
  const boot = await countBoot(db);
  const events = openEventLog();
  const scheduler = openScheduler({ db, events, clock, log });
  const core: Core = { db, events, scheduler, clock, log };
  const stopping = new AbortController();
  const untilStop = AbortSignal.any([signal, stopping.signal]);
  const hive = wire(config, core, boot, untilStop);
  recover = hive.recover;

  await hive.sockets.resume();
  await hive.link.listen();
  const routes = await serveRoutes(hive.routes);
  await db.write((tx) => {
    reviveFailed(tx, clock.now());
    beginTelling(tx, core, config.forge);
    scheduler.enqueue(tx, "provision", "");
    scheduler.enqueue(tx, "forget-messages", "");
    scheduler.enqueue(tx, "forget-turns", "");
    scheduler.enqueue(tx, "canary", "", (clock.now() + canaryEveryMs) as EpochMs);
    for (const { name } of listAgents(tx)) enqueueConverge(tx, core, name);
  });
  const working = scheduler.run(hive.handlers, untilStop);
  hive.threads.watch(untilStop);
  return {
    async stop() {
      stopping.abort();
      await routes.close();
      await hive.link.close();
      await hive.sockets.closeAll();
      await hive.outsideMcp.close();
      await working;
      await db.close();
    },
  };
}

/** hived's half of the forge: the client, its secrets, and what provisioning needs. */
function openForgeParts(config: HivedConfig, core: Core, signal: AbortSignal): ProvisionParts {
  const secretsDirectory = secretsOf(config);
  const secrets = openTokens(secretsDirectory);
  const tokens = openTokens(join(secretsDirectory, "tokens"));
  const { url, kind, adminTokenFile } = config.forge;
  const health = openForgeHealth(core, { kind, url });
  const forge = openForge({ url, tokens, adminTokenFile, onSilence: health.noteSilence, signal });
  const { hookUrl, dashboardUrl, program } = config;
  return { core, forge, tokens, secrets, health, kind, hookUrl, dashboardUrl, program, signal };
}

/** Hands each part what it needs of the others. */
function wire(config: HivedConfig, core: Core, boot: BootId, signal: AbortSignal) {
  const provisioning = openForgeParts(config, core, signal);
  const { forge, tokens, secrets, health } = provisioning;
  const { url } = config.forge;
  const link = openRunnerLink({
    core,
    boot,
    socketPath: config.sockets.runner,
    launchLost: (tx, agent) => enqueueConverge(tx, core, agent),
    launchOver: (launch) => void sockets.close(launch),
    runnerConnected: () => lookAgain("update-docs"),
    nudges: openNudges(core, config.nudgeAfterMs ?? nudgeAfterMs, signal),
  });
  /** Asks for what may have been missed while the runner was away, or the database could not be written. */
  const lookAgain = (...kinds: string[]): void => {
    const asked = core.db.write((tx) => {
      core.scheduler.retryNow(tx);
      if (tokens.read("hive-bot")) for (const kind of kinds) core.scheduler.enqueue(tx, kind, ""); // else provisioning asks
      for (const { name } of listAgents(tx)) enqueueConverge(tx, core, name);
      threads.changed(tx);
    });
    asked.catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error; // once the database can be written, this is called again
    });
  };
  const lifecycle: LifecycleParts = {
    core,
    runner: link.runner,
    forge,
    forgeUrl: url,
    tokens,
    sockets: { open: (launch, agent) => sockets.open(launch, agent), close: (launch) => sockets.close(launch) },
    provisionAgent: (agent, role) => done(provisionAgent(provisioning, agent, role)),
    async retireAgent(agent) {
      await retireAgent({ core, forge, tokens }, agent);
      await core.db.write((tx) => {
        forgetNudgesTo(tx, agent);
        closeQuestionsOf(tx, core, agent);
      });
    },
    waitingApprovals: convergingApprovals,
    agentsChangedBy: (number) => agentsChangedBy(forge.as("hive-bot"), number),
    failApproval: (number, problem) => failApproval({ core, forge }, number, problem),
    tellDestroyed: (agent) => tellDestroyed({ core, forge }, agent),
  };
  const proposing = { ...lifecycle, scratch: scratchOf(config) };
  const docs = openDocs();
  const tools = openTools({
    core,
    recv: openReceiver(core, link.runner, boot, signal),
    recvOutside: openOutsideReceiver(core, signal),
    forgeUrl: url,
    runner: link.runner,
    docs,
    signal,
    openThreads,
    ask: (asker, args) => ask(core, asker, args),
    answer: (by, args) => answerQuestion(core, by, args),
    cancelQuestion: (asker, args) => cancelQuestion(core, asker, args),
    proposeAgent: (proposer, args) => proposeAgent(proposing, proposer, args),
    proposeConfig: (proposer, args) => proposeConfig(proposing, proposer, args),
    proposeDecision: (proposer, args) => proposeDecision(proposing, proposer, args),
    restartAgent: (by, wanted) => restartAgent(core, by, wanted),
    rebuildAgent: (by, agent) => rebuildAgent(core, by, agent),
  });
  const version = versionOf(config);
  const sockets = openAgentSockets({ core, launchesRoot: config.launchesRoot, tools, version });
  const outsideMcp = openOutsideMcp({ core, tools, docs, version });
  const threads = openThreadPublisher(core);
  return {
    link,
    sockets,
    threads,
    outsideMcp,
    recover: () => lookAgain("update-docs", "reconcile"), // the forge tells of each change but once
    handlers: {
      wake: link.wake,
      canary: { atOnce: 1, run: () => link.canaries.sendSome() },
      "canary-late": { atOnce: 8, run: (agent: string) => link.canaries.late(AgentName.parse(agent)) },
      revert: {
        atOnce: 1,
        run: (agent: string) => done(revertAgent({ ...lifecycle, scratch: scratchOf(config) }, AgentName.parse(agent))),
      },
      "update-docs": { atOnce: 1, run: () => done(updateDocs(lifecycle, docs)) },
      ...handlersOf(core, lifecycle, provisioning, threads.changed),
    },
    routes: {
      core,
      runner: link.runner,
      canaries: link.canaries,
      live: link.live,
      approvals: {
        approve: (request: Parameters<typeof approve>[1]) => approve(lifecycle, request),
        deny: (request: Parameters<typeof deny>[1]) => deny(lifecycle, request),
        askForRevert: (agent: AgentName) => askForRevert(lifecycle, agent),
      },
      lookInto: {
        prompt: (agent: AgentName) => readAgentPrompt(lifecycle, agent),
        examine: (agent: AgentName) => examineAgent(lifecycle, agent),
      },
      outsideMcp,
      mcpUrl: new URL("/mcp", config.hookUrl).href,
      forgeHealth: health.read,
      newestQuestions,
      openThreads,
      sockets: config.sockets,
      dashboardUrl: config.dashboardUrl,
      checkForge: () => checkLayout(provisioning),
      repairForge: () => provision(provisioning),
      rotateTokens: (user: string | null) => rotateTokens(provisioning, user),
      forgeSignIn: { core, forgeUrl: url, client: () => readSignInClient(secrets) },
      forgeWayIn: () => forgeWayIn(provisioning, secretsOf(config)),
      deliverWebhook: (delivery: Parameters<typeof deliverWebhook>[1]) => deliverWebhook(provisioning, delivery),
    },
  };
}

/** Who does the work of each kind; how many keys at once, where they do not wait for each other. */
function handlersOf(
  core: Core,
  lifecycle: LifecycleParts,
  provisioning: ProvisionParts,
  threadsChanged: ThreadPublisher["changed"],
): Record<string, Handler> {
  const { forge, health } = provisioning;
  const caughtUp = openCatchUp(core, health);
  const follow: Follow = (tx, fetched) => {
    threadsChanged(tx);
    const { repo, number, kind } = fetched.item;
    if (kind === "pull") followPull(tx, core, { repo, number });
    if (repo === agentsRepo && kind === "pull") core.scheduler.enqueue(tx, "approval", String(number));
    if (repo === questionsRepo && kind === "issue") followQuestion(tx, core, fetched);
  };
  const forget: Forget = (tx, { repo, number }) => {
    forgetPlace(tx, { repo, number });
    forgetNudgesOf(tx, { repo, number });
    threadsChanged(tx);
    if (repo === questionsRepo) dropQuestion(tx, core, number);
  };
  return {
    "end-pair-rest": { atOnce: 1, run: (key) => endRest(core, key) },
    "forget-messages": { atOnce: 1, run: () => forgetMessages(core) },
    "forget-turns": { atOnce: 1, run: () => forgetTurns(core) },
    provision: { atOnce: 1, run: () => done(provision(provisioning)) },
    // Before, it would make the rule of main that keeps the seeds out; provisioning, which may wait, ends by asking for it.
    reconcile: {
      atOnce: 1,
      run: () =>
        health.isProvisioned()
          ? reconcile({ core, forge, kind: provisioning.kind })
          : done(core.db.write((tx) => core.scheduler.retryNow(tx))),
    },
    "try-hook": { atOnce: 1, run: () => tryHook(provisioning) },
    refresh: { atOnce: 4, run: (key) => done(refresh(core, forge, key, { follow, forget }).then(caughtUp)) },
    approval: { atOnce: 1, run: (key) => done(followApproval(lifecycle, Number(key))) },
    "follow-main": { atOnce: 1, run: () => done(followMain(lifecycle)) },
    "retire-tokens": {
      atOnce: 1,
      run: (user) =>
        retireTokens(
          { ...lifecycle, tokens: provisioning.tokens, endOldTokens: (name) => retireTokensOf(provisioning, name) },
          user,
        ),
    },
    "release-outside": { atOnce: 1, run: (id) => done(releaseOutside(core, id)) },
    restart: { atOnce: 8, run: (key) => done(restart(lifecycle, key)) },
    converge: { atOnce: 8, run: (key) => converge(lifecycle, AgentName.parse(key)) },
    "tell-deployment": { atOnce: 1, run: (key) => done(tellDeployment(lifecycle, ...parseDeploymentKey(key))) },
    ...pullWork(core, forge),
    ...questionWork(core, forge),
  };
}

const done = async (work: Promise<unknown>): Promise<undefined> => {
  await work;
};

/** Where proposals are put together; nothing in it outlives its call. */
const scratchOf = ({ home }: HivedConfig): string => join(home, "scratch");

const secretsOf = ({ home }: HivedConfig): string => join(home, "secrets");

const versionOf = ({ program }: HivedConfig): string =>
  (JSON.parse(readFileSync(join(program, "package.json"), "utf8")) as { version: string }).version;
