import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import { upRoutes } from "../../src/contract/routes.ts";
import { runtimeAt } from "../../src/hive/up/home.ts";
import { readRecord } from "../../src/hive/up/record.ts";
import { client } from "../../src/rpc/client.ts";
import { childOf, familyOf, hive, newHome, startUp, stillRunning } from "./start-up.ts";

type Shown = {
  running: boolean;
  processes: { name: string; pid: number; health: string; restarts: number; note: string | null }[];
  forge: { kind: string; url: string };
  dashboardUrl: string;
  agents: { name: string; role: string; state: string }[];
};

const status = async (home: string): Promise<Shown> =>
  JSON.parse((await hive(["status", "--json", "--home", home])).out);

/** As `hive status` shows them, without a command for each look. */
async function processesOf(home: string) {
  const up = client(upRoutes, "up", runtimeAt(readRecord(join(home, "up.json"))?.runtime ?? "").up);
  try {
    return (await up.readProcesses({})).processes;
  } finally {
    await up.close();
  }
}

const noneOf = (pids: number[]) => expect.poll(() => stillRunning(pids), { timeout: 15_000 }).toEqual([]);

/** For an unprivileged user, as which a hive runs. */
function doesBubblewrapWork(): boolean {
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const options = "--unshare-user --unshare-net --disable-userns --ro-bind / / --proc /proc true".split(" ");
  return spawnSync("bwrap", options, { ...user, cwd: "/" }).status === 0;
}

function get(url: string, path: string): Promise<number | undefined> {
  const { port, host } = new URL(url);
  return new Promise((resolve) => {
    const asked = request({ port, host: "127.0.0.1", path, headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

test("a hive starts with its links, tells its state, is not started twice, and stops in order within 5 s", async () => {
  using place = newHome();
  const { child, texts, exited } = await startUp(place.home);
  expect(texts.out).toMatch(/Dashboard {2}http:\/\/hive\.localhost:\d+\/\S*#\S+/);
  expect(texts.out).toMatch(/Forge {6}http:\/\/127\.0\.0\.1:\d+\/\S+/);

  const shown = await status(place.home);
  expect(shown).toMatchObject({ running: true, forge: { kind: "embedded", problem: null }, problem: null });
  expect(shown.processes.map(({ name, health, restarts }) => [name, health, restarts])).toEqual([
    ["forge", "ready", 0],
    ["hived", "ready", 0],
    ["hive-runner", "ready", 0],
    ["hive-web", "ready", 0],
  ]);
  expect(shown.agents).toMatchObject([{ name: "manager", role: "manager" }]);
  const web = shown.processes.find(({ name }) => name === "hive-web");
  if (doesBubblewrapWork()) expect(web?.note).toBe("isolated: no network, no files, no admin socket");
  else expect(texts.out).toContain("WARNING: hive-web is not isolated");
  expect(await get(shown.dashboardUrl, "/")).toBe(200);
  const said = await hive(["status", "--home", place.home]);
  expect(said).toMatchObject({ code: 0, err: "" });
  expect(said.out).toContain(shown.dashboardUrl);

  expect(await hive(["agent", "unpark", "manager", "--home", place.home])).toMatchObject({
    code: 0,
    out: "manager may go on.\n",
  });
  const stranger = await hive(["agent", "cancel", "nobody", "--home", place.home]);
  expect(stranger.err).toContain('There is no agent "nobody".');

  const twice = await hive(["up", "--home", place.home]);
  expect(twice).toMatchObject({ code: 0, err: "" });
  expect(twice.out).toContain("runs already");
  expect(twice.out).toContain(`${shown.dashboardUrl}/`);

  const family = familyOf(child.pid ?? 0);
  expect(family.length).toBeGreaterThan(5);
  const startedAt = performance.now();
  child.kill("SIGINT");
  expect(await exited).toEqual([0, null]);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await noneOf(family);
  expect(await hive(["status", "--home", place.home])).toMatchObject({ code: 3 });
  expect(await hive(["down", "--home", place.home])).toMatchObject({ code: 3 });
});

test("what is killed is started again, and serves again; down stops it all", async () => {
  using place = newHome();
  const { child, exited, texts } = await startUp(place.home);
  const before = await status(place.home);
  for (const { pid } of before.processes) process.kill(pid, "SIGKILL");
  await expect
    .poll(() => processesOf(place.home), { timeout: 60_000, interval: 50 })
    .toMatchObject(before.processes.map(({ name }) => ({ name, health: "ready", restarts: 1 })));
  await expect.poll(() => get(before.dashboardUrl, "/"), { timeout: 10_000 }).toBe(200);
  expect(texts.out).toContain("hive-web was killed by SIGKILL; it is started again (1)");
  const family = familyOf(child.pid ?? 0);
  expect(await hive(["down", "--home", place.home])).toMatchObject({ code: 0 });
  expect(await exited).toEqual([0, null]);
  await noneOf(family);
});

test("a hive that is killed leaves no process behind, whichever of its processes is hit; the next start goes on", async () => {
  using place = newHome();
  const first = await startUp(place.home);
  const wrapper = familyOf(first.child.pid ?? 0);
  first.child.kill("SIGKILL");
  await noneOf(wrapper);

  const second = await startUp(place.home);
  const family = familyOf(second.child.pid ?? 0);
  process.kill(childOf(second.child.pid ?? 0), "SIGKILL");
  await noneOf(family);
});
