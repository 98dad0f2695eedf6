import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { systemClock } from "../../src/daemon/clock.ts";
import { startHived } from "../../src/hived/start.ts";

test("what a proposal left when hived was killed is gone once hived has started", async () => {
  const home = mkdtempSync(join(tmpdir(), "hive-"));
  try {
    const left = join(home, "scratch/alice-AbC123");
    mkdirSync(left, { recursive: true });
    writeFileSync(join(left, "gitconfig"), "\textraHeader = Authorization: token 0123456789\n");
    const config = {
      home,
      program: join(import.meta.dirname, "../.."),
      sockets: { web: join(home, "w/web.sock"), admin: join(home, "a/a.sock"), runner: join(home, "r/r.sock") },
      launchesRoot: join(home, "l"),
      forge: { kind: "embedded" as const, url: "http://127.0.0.1:9", adminTokenFile: join(home, "admin-token") },
      hookUrl: "http://127.0.0.1:9/hook",
      dashboardUrl: "http://127.0.0.1:9",
    };
    const outside = { clock: systemClock, log: pino({ level: "silent" }), signal: new AbortController().signal };
    const hived = await startHived(config, outside);
    await hived.stop();
    expect(existsSync(join(home, "scratch"))).toBe(false);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});
