/** hived's half of a forge: the client, its secrets, and what provisioning needs, on a core and a forge of the test's. */
import { join } from "node:path";
import { Fault } from "../../src/contract/fault.ts";
import { openTokens, type Tokens } from "../../src/hived/agents/tokens.ts";
import type { Runner } from "../../src/hived/core.ts";
import { retireTokensOf } from "../../src/hived/forge/accounts.ts";
import { openForge } from "../../src/hived/forge/client.ts";
import { openForgeHealth } from "../../src/hived/forge/health.ts";
import { agentsRepo, questionsRepo } from "../../src/hived/forge/plan.ts";
import { type ProvisionParts, provision } from "../../src/hived/forge/provision.ts";
import { type Follow, type Forget, refresh } from "../../src/hived/forge/refresh.ts";
import { openCatchUp } from "../../src/hived/intake/catch-up.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { retireTokens } from "../../src/hived/lifecycle/retire-tokens.ts";
import { forgetPlace } from "../../src/hived/pulls/places.ts";
import { followPull, pullWork } from "../../src/hived/pulls/tell-pull.ts";
import { dropQuestion, followQuestion } from "../../src/hived/questions/follow.ts";
import { questionWork } from "../../src/hived/questions/work.ts";
import { forgetNudgesOf } from "../../src/hived/threads/nudges.ts";
import { openThreadPublisher } from "../../src/hived/threads/publish.ts";
import type { Handler } from "../../src/hived/work/scheduler.ts";
import type { TestCore } from "./open-core.ts";
import type { RunningForge } from "./running-forge.ts";

export type Provisioned = ProvisionParts & { core: TestCore; tokens: Tokens; secrets: Tokens };

export const program = join(import.meta.dirname, "../..");

/** @param secretsDirectory where the secrets of one hive are, kept over the cores that it has one after the other */
export function partsFor(
  core: TestCore,
  running: RunningForge,
  secretsDirectory = join(core.directory, "secrets"),
): Provisioned {
  const { kind, url, adminTokenFile } = running;
  const tokens = openTokens(join(secretsDirectory, "tokens"));
  const health = openForgeHealth(core, { kind, url });
  const signal = new AbortController().signal;
  const forge = openForge({ url, tokens, adminTokenFile, onSilence: health.noteSilence, signal });
  const hookUrl = "http://127.0.0.1:9/hook";
  const dashboardUrl = "http://hive.localhost:9";
  return {
    core,
    forge,
    tokens,
    secrets: openTokens(secretsDirectory),
    health,
    kind,
    hookUrl,
    dashboardUrl,
    program,
    signal,
  };
}

const noRunner = () => {
  throw new Fault("there is no runner");
};

/**
 * The work that keeps the hive and the forge alike, as hived does it.
 * @param seen told "kind key" of the work that is left to others: approvals, main, docs
 */
export function forgeWork(
  { core, forge, ...parts }: Provisioned,
  seen: (work: string) => void = () => undefined,
): Record<string, Handler> {
  const threads = openThreadPublisher(core);
  const runner: Runner = { place: noRunner, call: noRunner };
  const note = (kind: string): Handler => ({
    atOnce: 1,
    run: async (key) => {
      seen(`${kind} ${key}`.trim());
      return undefined;
    },
  });
  const caughtUp = openCatchUp(core, parts.health);
  const follow: Follow = (tx, fetched) => {
    threads.changed(tx);
    const { repo, number, kind } = fetched.item;
    if (kind === "pull") followPull(tx, core, { repo, number });
    if (repo === agentsRepo && kind === "pull") core.scheduler.enqueue(tx, "approval", String(number));
    if (repo === questionsRepo && kind === "issue") followQuestion(tx, core, fetched);
  };
  const forget: Forget = (tx, { repo, number }) => {
    forgetPlace(tx, { repo, number });
    forgetNudgesOf(tx, { repo, number });
    threads.changed(tx);
    if (repo === questionsRepo) dropQuestion(tx, core, number);
  };
  const done = (work: Promise<unknown>) => work.then(() => undefined);
  return {
    provision: { atOnce: 1, run: () => done(provision({ core, forge, ...parts })) },
    reconcile: { atOnce: 1, run: () => reconcile({ core, forge, kind: parts.kind }) },
    refresh: { atOnce: 4, run: (key) => done(refresh(core, forge, key, { follow, forget }).then(caughtUp)) },
    ...pullWork(core, forge),
    ...questionWork(core, forge),
    "retire-tokens": {
      atOnce: 1,
      run: (user) =>
        retireTokens(
          {
            core,
            runner,
            forgeUrl: forge.url,
            tokens: parts.tokens,
            endOldTokens: (name) => retireTokensOf({ core, forge, ...parts }, name),
          },
          user,
        ),
    },
    approval: note("approval"),
    "follow-main": note("follow-main"),
    "update-docs": note("update-docs"),
  };
}
