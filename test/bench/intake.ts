/** Area `intake`: a webhook that told of a change, against the one call of the forge that finds out what it was. */
import { createHmac, randomUUID } from "node:crypto";
import { AgentName } from "../../src/contract/names.ts";
import { hookSecret } from "../../src/hived/forge/hooks.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import { startForgejo } from "../support/forgejo.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";
import { forgeWork, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import { compare, type Figure } from "./figure.ts";
import { requireForgejo } from "./require-forgejo.ts";

const alice = AgentName.parse("alice");
const notes = "alice/notes";
/** As one takes but milliseconds. */
const inOneRound = 20;

export async function* intake(): AsyncIterable<Figure> {
  const found = await requireForgejo();
  await using running = await startForgejo(found);
  await using core = openCore();
  const parts = partsFor(core, running);
  await provision(parts);
  await addIdleAgent(core, alice);
  await provisionAgent(parts, alice, "worker");
  await core.db.write((tx) => tx.run("DELETE FROM work"));
  core.work(forgeWork(parts));
  const person = withToken(running.url, parts.tokens.read(alice) ?? "");
  await person.call("POST", "/user/repos", { name: "notes", auto_init: true, default_branch: "main" });
  const { number } = await person.propose(notes, "idea", { "idea.md": "an idea\n" });
  const ring = async (title: string): Promise<number> => {
    const body = JSON.stringify({
      repository: { full_name: notes },
      sender: { login: alice },
      pull_request: { number },
    });
    const signature = `sha256=${createHmac("sha256", hookSecret(parts.secrets)).update(body).digest("hex")}`;
    const isTold = core.event("ThreadsChanged", ({ fact }) =>
      fact.page.threads.some(({ summary }) => summary === title),
    );
    const began = performance.now();
    await deliverWebhook(parts, { id: randomUUID(), event: "pull_request", body, signature });
    await isTold;
    return performance.now() - began;
  };
  const ringAnew = async (): Promise<number> => {
    const title = randomUUID();
    await person.call("PATCH", `/repos/${notes}/pulls/${number}`, { title });
    return ring(title);
  };
  const ask = async (): Promise<number> => {
    const began = performance.now();
    await parts.forge.as(alice).readPull(notes, number);
    return performance.now() - began;
  };
  await ringAnew();
  yield await compare({
    name: "webhook delivered until projection and event / the call that it needs",
    unit: "ms",
    rounds: 7,
    atMost: 3,
    ours: () => meanOf(ringAnew),
    floor: () => meanOf(ask),
  });
}

async function meanOf(measure: () => Promise<number>): Promise<number> {
  let sum = 0;
  for (let count = 0; count < inOneRound; count += 1) sum += await measure();
  return sum / inOneRound;
}
