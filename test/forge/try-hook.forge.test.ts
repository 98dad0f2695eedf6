/** On a forge of somebody else's it is found out whether its webhooks reach us, and found out again when that changes. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { takeDelivery } from "../../src/hive-web/webhook.ts";
import { questionsRepo } from "../../src/hived/forge/plan.ts";
import { provision } from "../../src/hived/forge/provision.ts";
import { tryHook } from "../../src/hived/forge/try-hook.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import { impatient } from "../support/fake-clock.ts";
import { startForgejo } from "../support/forgejo.ts";
import { forges } from "../support/forges.ts";
import { openCore, settled, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import type { RunningForge } from "../support/running-forge.ts";

const hooks = { kind: "repo" as const, repo: questionsRepo };
const elsewhere = { url: "http://127.0.0.1:9/elsewhere", secret: "theirs", events: ["issues"] };

describe.each(forges)("on $name", ({ start }) => {
  let forge: RunningForge;
  let core: TestCore;
  let parts: Provisioned;
  let door: Server;
  let port = 0;
  const listen = async () => {
    door.listen(port, "127.0.0.1");
    await once(door, "listening");
    port = (door.address() as AddressInfo).port;
  };
  const shut = async () => {
    door.closeAllConnections();
    door.close();
    await once(door, "close");
  };
  const told = async () => {
    await settled(core);
    return parts.health.read().hookProblem;
  };
  /** Tries while nobody listens; the time for a delivery is over as soon as it begins. */
  const tryInVain = () => tryHook({ ...parts, core: { ...core, clock: impatient(core.clock) } });

  beforeAll(async () => {
    forge = await start("ada");
    core = openCore();
    door = createServer((request, response) => {
      takeDelivery({ deliverWebhook: (delivery) => deliverWebhook(parts, delivery) }, request).then(
        () => response.end(),
        (error: Error) => response.writeHead(422).end(error.message),
      );
    });
    await listen();
    parts = { ...partsFor(core, forge), kind: "external", hookUrl: `http://127.0.0.1:${port}/hook` };
    await provision(parts);
    await parts.forge.as("hive-admin").createHook(hooks, elsewhere);
  });
  afterAll(async () => {
    await core[Symbol.asyncDispose]();
    await forge[Symbol.asyncDispose]();
    await shut();
  });

  test("webhooks that come are no word worth, and nothing of the trial is left", async () => {
    await parts.forge
      .as("hive-admin")
      .createHook(hooks, { ...elsewhere, url: parts.hookUrl, secret: "of a trial that a crash cut off" });
    const before = core.clock.now();
    expect(await tryHook(parts)).toEqual({ again: before + 3_600_000 });
    expect(await told()).toBeNull();
    expect(await parts.forge.as("hive-admin").listHooks(hooks)).toMatchObject([{ config: { url: elsewhere.url } }]);
  });

  test("webhooks that do not come are told with what follows and what to do, until one comes", async () => {
    await shut();
    const { again } = await tryInVain();
    expect(again).toBe(core.clock.now() + 300_000);
    expect(await told()).toMatch(
      `The forge's webhooks do not reach ${parts.hookUrl}, so the hive looks for changes every 30 seconds`,
    );
    expect(await told()).toContain("ALLOWED_HOST_LIST = loopback");
    await core.event("ForgeChanged", ({ fact }) => fact.forge.hookProblem !== null);
    expect(await parts.forge.as("hive-admin").listHooks(hooks)).toMatchObject([{ config: { url: elsewhere.url } }]);

    await listen();
    const next = parts.health.nextDelivery();
    await parts.forge.as("operator").createIssue(questionsRepo, { title: "Does this come?", body: "" });
    await next;
    expect(await told()).toBeNull();
  });

  test("without a delivery they are tried again, and found to come", async () => {
    await shut();
    await tryInVain();
    expect(await told()).not.toBeNull();
    await listen();
    await tryHook(parts);
    expect(await told()).toBeNull();
  });
});

const forgejo = await findForgejo();

test.runIf(forgejo)(
  "a Forgejo that has webhooks switched off is made ready all the same, and that is told",
  async () => {
    if (!forgejo) return;
    await using forge = await startForgejo(forgejo, {
      adminName: "ada",
      change: (ini) => ini.replace("[security]\n", "[security]\nDISABLE_WEBHOOKS = true\n"),
    });
    await using core = openCore();
    const parts: Provisioned = { ...partsFor(core, forge), kind: "external" };
    await provision(parts);
    await settled(core);
    expect(parts.health.isProvisioned()).toBe(true);
    expect(parts.health.read().hookProblem).toMatch(
      "The forge has its webhooks switched off, so the hive looks for changes",
    );
  },
);
