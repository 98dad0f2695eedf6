import { expect, test } from "vitest";
import type { Place } from "../../src/contract/launch.ts";
import type { AgentName, LaunchId, ObjectId } from "../../src/contract/names.ts";
import { AgentConfig } from "../../src/hived/agents/agent-yaml.ts";
import { chooseRuntime, specFor } from "../../src/hived/runtimes/choose.ts";
import { secretsFor } from "../../src/hived/runtimes/secrets.ts";

const place: Place = {
  agentsRoot: "/home/op/hive/agents",
  sharedRoot: "/home/op/hive/shared",
  docsRoot: "/home/op/hive/docs",
  launchesRoot: "/run/user/1/hive/launches",
  privateRoot: "/home/op/hive/private",
  node: "/opt/node/bin/node",
  program: "/opt/hyperhive",
  compiled: "/home/op/.cache/hyperhive/compiled",
  runtimes: ["process", "bubblewrap"],
  missing: {},
};
const launch = `launch-${"1".repeat(32)}` as LaunchId;
const forge = { url: "http://127.0.0.1:3000" };

function agent(name: string, change: object = {}) {
  const config = AgentConfig.parse({ harness: { driver: "acp", profile: "script" }, ...change });
  return { name: name as AgentName, role: config.role, session: null, config, tree: "a".repeat(40) as ObjectId };
}

test("a worker in bubblewrap", async () => {
  await expect(text(specFor(agent("bob"), place, launch, forge))).toMatchFileSnapshot("golden/bubblewrap-worker.txt");
});

test("the manager in bubblewrap sees every agent's directory", async () => {
  const manager = agent("manager", { role: "manager" });
  await expect(text(specFor(manager, place, launch, forge))).toMatchFileSnapshot("golden/bubblewrap-manager.txt");
});

test("a worker as a process continues its session", async () => {
  const bob = { ...agent("bob", { runtime: { driver: "process" }, limits: { silence_minutes: 1 } }), session: "s-1" };
  await expect(text(specFor(bob, place, launch, forge))).toMatchFileSnapshot("golden/process-worker.txt");
});

test("Codex over ACP as a process, with a model and a variable of its own", async () => {
  const env = { OPENAI_BASE_URL: "http://gateway.invalid" };
  const harness = { driver: "acp", profile: "codex", model: "gpt-5", env };
  const bob = agent("bob", { harness, runtime: { driver: "process" } });
  await expect(text(specFor(bob, place, launch, forge))).toMatchFileSnapshot("golden/process-codex.txt");
});

test("Claude Code in bubblewrap, with a program of its own", async () => {
  const harness = { driver: "claude", command: ["/opt/claude"], model: "opus" };
  await expect(text(specFor(agent("bob", { harness }), place, launch, forge))).toMatchFileSnapshot(
    "golden/bubblewrap-claude.txt",
  );
});

test("Gemini CLI is led to the launch's plugin by a link in its own directory, once its secrets are there", () => {
  const { argv } = specFor(agent("bob", { harness: { driver: "acp", profile: "gemini" } }), place, launch, forge);
  expect(argv.slice(argv.lastIndexOf("--") + 1)).toEqual([
    ...["/bin/sh", "/opt/hyperhive/src/hive/with-secrets.sh", "/run/secrets", "GEMINI_API_KEY"],
    ...["/bin/sh", "/opt/hyperhive/src/hive/with-link.sh", "/private/.gemini/extensions/hive", "/run/hive/plugin"],
    ...["gemini", "--acp"],
  ]);
});

test("a command of agent.yaml is run in place of the coding agent's own", () => {
  const harness = { driver: "acp", profile: "codex", command: ["/opt/codex", "-x"] };
  const spec = specFor(agent("bob", { harness, runtime: { driver: "process" } }), place, launch, forge);
  expect(spec.argv.slice(-2)).toEqual(["/opt/codex", "-x"]);
  expect(spec.driver).toMatchObject({ kind: "acp", model: null });
});

test("git, curl and the forge's clients get the token from the agent's own files", async () => {
  const access = { ...forge, token: "t0ken", email: "bob@hive.invalid" };
  const clients = { tea: "/usr/bin/tea", fj: "/nix/store/fj/bin/fj" };
  const files = secretsFor("bob" as AgentName, access, { clients }).map(
    ({ path, content, executable }) =>
      `== ${path}${executable ? " (executable)" : ""}\n${Buffer.from(content, "base64").toString("utf8")}`,
  );
  await expect(files.join("")).toMatchFileSnapshot("golden/secrets.txt");
});

test("the strongest runtime that works is chosen when none is named", () => {
  expect(chooseRuntime(agent("bob").config, place)).toBe("bubblewrap");
  expect(chooseRuntime(agent("bob").config, { ...place, runtimes: ["process"] })).toBe("process");
});

test("a named runtime that does not work is refused with the reason, never replaced by a weaker one", () => {
  const { config } = agent("bob", { runtime: { driver: "bubblewrap" } });
  const weak: Place = { ...place, runtimes: ["process"], missing: { bubblewrap: "it is not installed" } };
  expect(() => chooseRuntime(config, weak)).toThrow("Runtime bubblewrap does not work here: it is not installed.");
});

/** One argument a line reads well in a diff, options together with what they take. */
const text = (spec: ReturnType<typeof specFor>): string =>
  `${spec.argv.join("\n").replace(/\n(?!-)/g, " ")}\n\n${JSON.stringify({ ...spec, argv: "above" }, null, 2)}\n`;
