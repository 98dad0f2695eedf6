/** Bad input: one sentence with the next step, a fitting exit code, and nothing changed. */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { expect, test } from "vitest";
import { bin, hive, newHome } from "./start-up.ts";

const isRoot = process.getuid?.() === 0;
/** As whom a hive runs that root starts. */
const hiveUser = 47_483;

/** The whole of stderr: what is wrong, and what to do. */
const sentence = (what: RegExp, next: RegExp) => new RegExp(`^hive: ${what.source}\\n {6}${next.source}\\n$`);

test("git that is missing, or too old, is named before anything is made", async () => {
  using place = newHome();
  const tools = join(place.top, "tools");
  mkdirSync(tools);
  const missing = await hive(["up", "--home", place.home], { PATH: tools });
  expect(missing.code).toBe(78);
  expect(missing.err).toMatch(
    sentence(/git was not found on PATH\./, /Install git 2\.\d+\.\d+ or later, and start again\./),
  );
  writeFileSync(join(tools, "git"), "#!/bin/sh\necho git version 2.20.1\n", { mode: 0o755 });
  const old = await hive(["up", "--home", place.home], { PATH: `${tools}:${process.env["PATH"]}` });
  expect(old.code).toBe(78);
  expect(old.err).toMatch(sentence(/git 2\.20\.1 is too old\./, /Install git 2\.\d+\.\d+ or later, and start again\./));
  expect(existsSync(place.home)).toBe(false);
});

test("a Node that is too old hears it from a file that it can still read", () => {
  const script = `
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "18.20.4" } });
    await import(${JSON.stringify(bin)});`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  expect(ended.status).toBe(78);
  expect(ended.stderr).toMatch(sentence(/Node 18\.20\.4 is too old\./, /Install Node 20\.19 or later, .*/));
});

test("a checkout without its packages says what to run", () => {
  using place = newHome();
  mkdirSync(join(place.top, "src/hive"), { recursive: true });
  copyFileSync(bin, join(place.top, "src/hive/bin.mjs"));
  const ended = spawnSync(process.execPath, [join(place.top, "src/hive/bin.mjs"), "up"], { encoding: "utf8" });
  expect(ended.status).toBe(78);
  expect(ended.stderr).toMatch(sentence(/The packages are not installed\./, /Run `npm install` in .* first\./));
});

test("a home that cannot be made or written is named", async () => {
  using place = newHome();
  writeFileSync(join(place.top, "file"), "");
  const ended = await hive(["up", "--home", join(place.top, "file/home")]);
  expect(ended.code).toBe(78);
  expect(ended.err).toMatch(
    sentence(/The hive's home .*\/file\/home cannot be .*\./, /Choose another with --home or HIVE_HOME.*/),
  );
});

test("a full disk is named, and nothing is left on it", { timeout: 60_000 }, async (context) => {
  if (!isRoot) return context.skip("needs root, to mount a small disk");
  using place = newHome();
  mkdirSync(place.home);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=1m,uid=${hiveUser},mode=700`, "tmpfs", place.home]);
  if (mounted.status !== 0) return context.skip("needs to mount a small disk");
  try {
    const ended = await hive(["up", "--home", place.home]);
    expect(ended.code).toBe(78);
    expect(ended.err).toMatch(sentence(/The disk of the hive's home .* is full\./, /Free at least 64 MiB, .*/));
    expect(existsSync(join(place.home, "up.json"))).toBe(false);
  } finally {
    spawnSync("umount", [place.home]);
  }
});

test("a port that was taken since the first start is named, and kept", async () => {
  using place = newHome();
  const taken = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as AddressInfo;
  const record = { forge: { kind: "embedded", port }, dashboardPort: 1, runtime: "/nowhere" };
  ownedHome(place.home, { "up.json": JSON.stringify(record) });
  const ended = await hive(["up", "--home", place.home]);
  taken.close();
  expect(ended.code).toBe(78);
  expect(ended.err).toMatch(
    sentence(/Port \d+, which this hive uses for its forge, is taken by another program\./, /Stop that program: .*/),
  );
  expect(JSON.parse(readFileSync(join(place.home, "up.json"), "utf8"))).toEqual(record);
});

test("a database of a newer version is refused in hived's words, and all that was started is stopped", async () => {
  using place = newHome();
  mkdirSync(join(place.top, "hived"));
  const path = join(place.top, "hived/hive.db");
  new Sqlite(path).pragma("user_version = 999");
  ownedHome(place.home, { "hived/hive.db": readFileSync(path) });
  const ended = await hive(["up", "--home", place.home]);
  expect(ended.code).toBe(78);
  expect(ended.err).toMatch(sentence(/.*hive\.db was written by a newer hive .*/, /Install that version again, .*/));
  expect(await hive(["status", "--home", place.home])).toMatchObject({ code: 3 });
});

test("a forge that does not answer, is none, or refuses the token is named with its address", async () => {
  using place = newHome();
  const tokenFile = join(place.top, "token");
  writeFileSync(tokenFile, "t\n");
  const answers: { status: number; body: string }[] = [];
  const server = createServer((_, response) => {
    const { status, body } = answers[0] ?? { status: 404, body: "not here" };
    response.writeHead(status).end(body);
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const start = (address: string, file = tokenFile) =>
    hive(["up", "--home", place.home, "--forge-url", address, "--admin-token-file", file]);

  const closed = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => closed.once("listening", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const silent = await start(`http://127.0.0.1:${port}`);
  expect(silent.code).toBe(69);
  expect(silent.err).toMatch(
    sentence(/The forge at http:\/\/127\.0\.0\.1:\d+ does not answer \(.*ECONNREFUSED.*\)\./, /Check the address, .*/),
  );
  expect(await start(url)).toMatchObject({ code: 69, err: expect.stringContaining("it answered 404") });
  answers.unshift({ status: 200, body: "<html>" });
  expect(await start(url)).toMatchObject({ code: 69, err: expect.stringContaining("what answers there is no forge") });
  answers.unshift({ status: 401, body: "{}" });
  expect(await start(url)).toMatchObject({ code: 78, err: expect.stringContaining("refuses the admin token") });
  answers.unshift({ status: 200, body: '{ "version": "1.21.0", "is_admin": true }' });
  expect(await start(url)).toMatchObject({ code: 78, err: expect.stringContaining("The forge is version 1.21.0.") });
  answers.unshift({ status: 200, body: '{ "version": "15.0.9+gitea-1.22.0", "is_admin": false }' });
  expect(await start(url)).toMatchObject({ code: 78, err: expect.stringContaining("no site administrator") });
  expect(await start("ftp://forge")).toMatchObject({
    code: 78,
    err: expect.stringContaining("is not a forge's address"),
  });
  expect(await start(url, join(place.top, "no-such-file"))).toMatchObject({ code: 78 });
  server.close();
  expect(existsSync(join(place.home, "up.json"))).toBe(false);
});

test("wrong usage ends with 2 and commander's own words", async () => {
  expect(await hive(["sideways"])).toMatchObject({ code: 2, err: expect.stringContaining("unknown command") });
  expect(await hive(["up", "--dashboard-port", "99999"])).toMatchObject({ code: 2 });
  expect(await hive(["up", "--forge-url", "http://x"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("belong together"),
  });
});

/** A home as an earlier start left it, owned by whom the hive runs as. */
function ownedHome(home: string, files: Record<string, string | Buffer>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(home, path, ".."), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, path), content);
  }
  chmodSync(home, 0o700);
  if (isRoot) spawnSync("chown", ["-R", String(hiveUser), home]);
}
