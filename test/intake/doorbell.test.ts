import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import type { AgentName } from "../../src/contract/names.ts";
import { addAgent } from "../../src/hived/agents/agents.ts";
import { openTokens } from "../../src/hived/agents/tokens.ts";
import { openForgeHealth } from "../../src/hived/forge/health.ts";
import { hookSecret } from "../../src/hived/forge/hooks.ts";
import { deliverWebhook } from "../../src/hived/intake/doorbell.ts";
import { openCore, settled, someTree, type TestCore } from "../support/open-core.ts";

function openDoor(core: TestCore) {
  const secrets = openTokens(`${core.directory}/secrets`);
  const sign = (body: string, secret = hookSecret(secrets)) =>
    `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
  const health = openForgeHealth(core, { kind: "external", url: "http://forge.test" });
  const parts = { core, secrets, health };
  let last = 0;
  return {
    sign,
    health,
    deliver: (delivery: Parameters<typeof deliverWebhook>[1]) => deliverWebhook(parts, delivery),
    /** a delivery as our forge makes it */
    ring(event: string, payload: object) {
      last += 1;
      const body = JSON.stringify(payload);
      return deliverWebhook(parts, { id: `delivery-${last}`, event, body, signature: sign(body) });
    },
    bells: () =>
      core.db
        .read((reader) => reader.all<{ kind: string; key: string }>("SELECT kind, key FROM work ORDER BY id"))
        .map(({ kind, key }) => `${kind} ${key}`.trim()),
  };
}

const by = (login: string) => ({ sender: { login } });
const inRepo = (full_name: string) => ({ repository: { full_name } });

test.each([
  ["issues", { issue: { number: 3 } }],
  ["issue_comment", { issue: { number: 3 }, is_pull: true }],
  ["pull_request", { pull_request: { number: 3 }, number: 3 }],
  [
    "pull_request_approved",
    { pull_request: { number: 3 }, number: 3, review: { type: "pull_request_review_approved" } },
  ],
])("%s rings for the item that it names, and for nothing else", async (event, payload) => {
  await using core = openCore();
  const door = openDoor(core);
  expect(await door.ring(event, { ...payload, ...inRepo("hive/agents"), ...by("operator") })).toEqual({
    accepted: true,
  });
  expect(door.bells()).toEqual(["refresh hive/agents#3"]);
});

test("several deliveries about one item ring once, as long as nobody has looked", async () => {
  await using core = openCore();
  const door = openDoor(core);
  for (const login of ["operator", "alice"])
    await door.ring("issues", { issue: { number: 3 }, ...inRepo("hive/questions"), ...by(login) });
  expect(door.bells()).toEqual(["refresh hive/questions#3"]);
});

test("a push to main of the agents or the docs rings for whoever follows it, whoever pushed", async () => {
  await using core = openCore();
  const door = openDoor(core);
  const push = (repo: string, ref: string) => door.ring("push", { ref, ...inRepo(repo), ...by("hive-bot") });
  await push("hive/agents", "refs/heads/main");
  await push("org-shared/docs", "refs/heads/main");
  await push("hive/agents", "refs/heads/other");
  await push("hive/agents", "refs/tags/main");
  await push("hive/questions", "refs/heads/main");
  expect(door.bells()).toEqual(["follow-main", "update-docs"]);
});

test("what the bot did wakes nobody", async () => {
  await using core = openCore();
  const door = openDoor(core);
  await door.ring("issue_comment", { issue: { number: 3 }, ...inRepo("hive/agents"), ...by("hive-bot") });
  expect(door.bells()).toEqual([]);
});

test("an agent's own repositories are followed, a stranger's are not", async () => {
  await using core = openCore();
  const door = openDoor(core);
  const name = "alice" as AgentName;
  await core.db.write((tx) =>
    addAgent(tx, core, { name, role: "worker", wanted_tree: someTree, wanted_commit: someTree }),
  );
  for (const repo of ["alice/notes", "stranger/notes", "alice", "../alice", "alice/..", "alice/n#1"])
    await door.ring("issues", { issue: { number: 1 }, ...inRepo(repo), ...by("alice") }).catch(() => undefined);
  expect(door.bells()).toEqual(["refresh alice/notes#1"]);
});

test("in a stranger's repository a pull request rings that an agent opened or is to review, and goes on ringing", async () => {
  await using core = openCore();
  const door = openDoor(core);
  const alice = { name: "alice" as AgentName, role: "worker" as const, wanted_tree: someTree, wanted_commit: someTree };
  await core.db.write((tx) => addAgent(tx, core, alice));
  const ring = (number: number, user: string, reviewers: string[]) => {
    const requested_reviewers = reviewers.map((login) => ({ login }));
    const pull_request = { number, user: { login: user }, requested_reviewers };
    return door.ring("pull_request", { pull_request, ...inRepo("mallory/notes"), ...by("mallory") });
  };
  await ring(1, "mallory", ["eve"]);
  await ring(2, "alice", []);
  await ring(3, "mallory", ["eve", "alice"]);
  expect(door.bells()).toEqual(["refresh mallory/notes#2", "refresh mallory/notes#3"]);
});

test("any delivery of our forge shows that its webhooks come, whatever was found out before; a forged one does not", async () => {
  await using core = openCore();
  const door = openDoor(core);
  door.health.noteHook("They do not come.");
  await settled(core);
  const next = door.health.nextDelivery();
  const forged = { id: "f", event: "push", body: "{}", signature: door.sign("{}", "another secret") };
  await expect(door.deliver(forged)).rejects.toMatchObject({ code: "bad_signature" });
  expect(door.health.read().hookProblem).toBe("They do not come.");
  await door.ring("push", { ref: "refs/heads/main", ...inRepo("stranger/notes"), ...by("stranger") });
  await next;
  await core.event("ForgeChanged", ({ fact }) => fact.forge.hookProblem === null);
  await settled(core);
  expect(door.health.read().hookProblem).toBeNull();
});

test("a replayed delivery is not accepted again", async () => {
  await using core = openCore();
  const door = openDoor(core);
  const body = JSON.stringify({ ref: "refs/heads/main", ...inRepo("hive/agents") });
  const delivery = { id: "same", event: "push", body, signature: door.sign(body) };
  expect(await door.deliver(delivery)).toEqual({ accepted: true });
  expect(await door.deliver(delivery)).toEqual({ accepted: false });
  expect(await door.deliver(delivery)).toEqual({ accepted: false });
});

test("a delivery is on disk once it was accepted, with its bell", async () => {
  await using first = openCore();
  const body = JSON.stringify({ ref: "refs/heads/main", ...inRepo("hive/agents") });
  const door = openDoor(first);
  const delivery = { id: "same", event: "push", body, signature: door.sign(body) };
  await door.deliver(delivery);
  await first.close();
  const second = openCore(first.directory);
  const again = openDoor(second);
  expect(again.bells()).toEqual(["follow-main"]);
  expect(await again.deliver(delivery)).toEqual({ accepted: false });
  await second.close();
});

const body = JSON.stringify({ ref: "refs/heads/main", ...inRepo("hive/agents") });
test.each<[string, (sign: (body: string, secret?: string) => string) => Partial<Parameters<typeof deliverWebhook>[1]>]>(
  [
    ["unsigned", () => ({ signature: "" })],
    ["with the signature of a hook without a secret", () => ({ signature: "sha256=" })],
    ["signed with another secret", (sign) => ({ signature: sign(body, "guessed") })],
    ["signed with nothing", (sign) => ({ signature: sign(body, "x").slice(0, -64) })],
    ["changed by one byte", () => ({ body: body.replace("main", "mail") })],
    ["signed without the prefix", (sign) => ({ signature: sign(body).slice("sha256=".length) })],
    ["without an id", () => ({ id: "" })],
    ["that is empty", (sign) => ({ body: "", signature: sign("") })],
    ["that is no JSON", (sign) => ({ body: "payload=1", signature: sign("payload=1") })],
    ["that is of another shape", (sign) => ({ body: '{"issue": 3}', signature: sign('{"issue": 3}') })],
  ],
)("a delivery %s is refused, and rings for nothing", async (_, change) => {
  await using core = openCore();
  const door = openDoor(core);
  const delivery = { id: "1", event: "push", body, signature: door.sign(body), ...change(door.sign) };
  await expect(door.deliver(delivery)).rejects.toMatchObject({
    code: expect.stringMatching(/^bad_(signature|delivery)$/),
  });
  expect(door.bells()).toEqual([]);
});

test("none of a thousand mutants of a true delivery is accepted", async () => {
  await using core = openCore();
  const door = openDoor(core);
  const signature = door.sign(body);
  for (let bit = 0; bit < 1000; bit += 1) {
    const bytes = Buffer.from(signature + body);
    const at = (bit * 7) % (bytes.length * 8);
    bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
    const text = bytes.toString("latin1");
    const mutant = {
      id: `${bit}`,
      event: "push",
      signature: text.slice(0, signature.length),
      body: text.slice(signature.length),
    };
    await expect(door.deliver(mutant)).rejects.toMatchObject({ name: "Refusal" });
  }
  expect(door.bells()).toEqual([]);
});
