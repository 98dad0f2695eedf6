import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/daemon/clock.ts";
import { testBubblewrap } from "../../src/hive-runner/place.ts";
import { prepare, type Stage, type someTree, withRunner } from "./with-runner.ts";

let scratch: string;
let problem: string | null;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "hive-"));
  problem = await testBubblewrap({ directory: scratch, node: process.execPath });
  if (problem !== null) console.warn(`BUBBLEWRAP DOES NOT WORK HERE, so agents were not tested in it: ${problem}`);
});
afterAll(() => rmSync(scratch, { recursive: true }));

test("a bubblewrap that is not there, or does not start, is told apart from one that works", async () => {
  const tried = { directory: scratch, node: process.execPath };
  expect(await testBubblewrap({ ...tried, bubblewrap: "/no/such/bwrap" })).toBe("it is not installed");
  expect(await testBubblewrap({ ...tried, bubblewrap: "/bin/false" })).toMatch(/^it does not start/);
});

test("a sandbox that hides nothing fails its self-test", async () => {
  const open = join(scratch, "open-bwrap");
  const script = `#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; cd "$(mktemp -d)" && exec "$@"\n`;
  writeFileSync(open, script, { mode: 0o755 });
  const verdict = await testBubblewrap({ directory: scratch, node: process.execPath, bubblewrap: open });
  expect(verdict).toMatch(/^its self-test failed: .*another's state/);
});

test("an agent has its own directories and nothing else", async ({ skip }) => {
  skip(problem !== null);
  await using stage = await withRunner(systemClock, true);
  const other = join(stage.directory, "agents/carol/state");
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, "diary"), "mine");
  const seen = await look(stage, {
    "own state": "echo x >f && cat f && pwd",
    "shared is writable": "echo hello >/shared/f && cat /shared/f",
    "other state": `cat /agents/carol/state/diary ${other}/diary`,
    "config is read-only": "ls /agents/alice/config && touch /agents/alice/config/x",
    "docs are read-only": "touch /docs/x",
    "compiled modules are read-only": "touch $NODE_COMPILE_CACHE/x",
    root: "touch /x",
    token: "cat $HIVE_FORGE_TOKEN_FILE",
    "credentials of git": "printf 'protocol=http\\nhost=127.0.0.1:9\\n\\n' | git credential fill",
    "another's credentials": "printf 'protocol=http\\nhost=other.test\\n\\n' | git credential fill",
    "author of commits": "git init -q r && cd r && git commit -q --allow-empty -m x && git log --format='%an %ae'",
    node: "node -p 1+1",
    environment: "cat /proc/*/environ | tr '\\0' '\\n' | grep -c HIVE_TEST_SECRET",
    user: "id -u && id -un",
  });
  expect(seen).toEqual({
    "own state": "x\n/agents/alice/state",
    "shared is writable": "hello",
    "other state": expect.stringMatching(/No such file[\s\S]*No such file/),
    "config is read-only": expect.stringMatching(/^script.yaml\n[\s\S]*Read-only file system/),
    "docs are read-only": expect.stringContaining("Read-only file system"),
    "compiled modules are read-only": expect.stringMatching(/hyperhive\/compiled\/x.*Read-only file system/),
    root: expect.stringContaining("Read-only file system"),
    token: "t0ken",
    "credentials of git": "protocol=http\nhost=127.0.0.1:9\nusername=alice\npassword=t0ken",
    "another's credentials": expect.stringContaining("terminal prompts disabled"),
    "author of commits": "alice agent@hive.invalid",
    node: "2",
    environment: "0",
    user: "1000\nagent",
  });
});

test("the manager reads every agent's state, and writes its own alone", async ({ skip }) => {
  skip(problem !== null);
  await using stage = await withRunner(systemClock, true);
  const other = join(stage.directory, "agents/carol/state");
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, "diary"), "mine");
  const commands = {
    read: "cat /agents/carol/state/diary",
    write: "touch /agents/carol/state/x",
    own: "echo x >f && cat f",
  };
  expect(await look(stage, commands, { role: "manager" })).toEqual({
    read: "mine",
    write: expect.stringContaining("Read-only file system"),
    own: "x",
  });
});

test("a program from npm that agent.yaml names has its packages, and nothing beside them", async ({ skip }) => {
  skip(problem !== null);
  await using stage = await withRunner(systemClock, true);
  const modules = join(scratch, "opt/node_modules");
  for (const name of [".bin", "agent", "needed"]) mkdirSync(join(modules, name), { recursive: true });
  const main = join(process.cwd(), "src/script-agent/main.ts");
  writeFileSync(join(scratch, "opt/secret"), "x");
  writeFileSync(join(modules, "needed/index.js"), `module.exports = () => import(${JSON.stringify(main)});`);
  writeFileSync(join(modules, "agent/cli.js"), '#!/usr/bin/env node\nrequire("needed")();', { mode: 0o755 });
  symlinkSync("../agent/cli.js", join(modules, ".bin/agent"));
  const seen = await look(stage, { beside: `ls ${join(scratch, "opt")}` }, { command: [join(modules, ".bin/agent")] });
  expect(seen).toEqual({ beside: "node_modules" });
});

test("new docs are seen in a running sandbox", async ({ skip }) => {
  skip(problem !== null);
  await using stage = await withRunner(systemClock, true);
  const script = "rules: [{ name: a, steps: [{ run: 'cat /docs/README.md >>seen' }] }]";
  const update = (commit: string) =>
    stage.hived.runner("updateDocs", {
      commit: commit.repeat(40) as typeof someTree,
      files: [{ path: "README.md", content: Buffer.from(`version ${commit}\n`).toString("base64") }],
    });
  await update("1");
  await stage.hived.runner("launch", await prepare(stage, "alice", script, { runtime: "bubblewrap" }));
  for (const commit of ["1", "2"]) {
    await update(commit);
    stage.hived.mail("alice", "look");
    await stage.hived.ends.next();
  }
  expect(readFileSync(join(stage.directory, "agents/alice/state/seen"), "utf8")).toBe("version 1\nversion 2\n");
});

/** What shell commands print in the sandbox of alice, by their names. */
async function look(
  stage: Stage,
  commands: Record<string, string>,
  wanted: Pick<Parameters<typeof prepare>[3] & object, "role" | "command"> = {},
) {
  process.env["HIVE_TEST_SECRET"] = "x";
  const steps = Object.values(commands).map((run, index) => ({ run: `(${run}) >out-${index} 2>&1`, expect: "any" }));
  const script = JSON.stringify({ rules: [{ name: "look", steps }] });
  await stage.hived.runner("launch", await prepare(stage, "alice", script, { runtime: "bubblewrap", ...wanted }));
  stage.hived.mail("alice", "look");
  await stage.hived.ends.next();
  const read = (index: number) => readFileSync(join(stage.directory, `agents/alice/state/out-${index}`), "utf8").trim();
  return Object.fromEntries(Object.keys(commands).map((name, index) => [name, read(index)]));
}
