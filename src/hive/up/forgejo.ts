/** A Forgejo that we run: found on this machine, configured from forge/app.ini, made ready for hived, and supervised. */
import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { Refusal } from "../../contract/refusal.ts";
import { systemClock } from "../../daemon/clock.ts";
import { describe } from "../../daemon/fault.ts";
import { replaceFile } from "../../daemon/replace-file.ts";
import { oldestForgejo } from "./external.ts";
import { type ForgeSource, forgeUrlOf, type OwnForge } from "./forge.ts";
import type { Home } from "./home.ts";
import { mailInForgejo } from "./mail.ts";
import { expectOk } from "./programs.ts";
import { isAtLeast } from "./requirements.ts";
import { keepBefore } from "./upgrade.ts";
import { findOnPath } from "./web-sandbox.ts";

const adminName = "hive-admin";
/** A program that does not answer `--version` or a command in this time does not work. */
const commandWithinMs = 60_000;
const dumpWithinMs = 3_600_000;

export type Forgejo = { path: string; version: string };

/**
 * HIVE_FORGEJO_BIN, then PATH, then the newest in the cache; undefined when none is so new, or no bash is there to run its
 * hooks.
 * @throws Refusal `forgejo_unusable` when HIVE_FORGEJO_BIN names something else than a Forgejo that will do.
 */
export async function findForgejo(oldest: string = oldestForgejo): Promise<Forgejo | undefined> {
  const named = process.env["HIVE_FORGEJO_BIN"];
  if (named) {
    const version = await versionOfNamed(named);
    return isAtLeast(version, oldest) ? { path: named, version } : undefined;
  }
  if (!findOnPath("bash")) return undefined;
  for (const path of [findOnPath("forgejo"), ...cached()]) {
    const version = path && (await versionOf(path));
    if (path && version && isAtLeast(version, oldest)) return { path, version };
  }
  return undefined;
}

async function versionOfNamed(path: string): Promise<string> {
  const version = await versionOf(path);
  if (version && isAtLeast(version, oldestForgejo)) return version;
  throw new Refusal(
    "forgejo_unusable",
    version ? `${path} is Forgejo ${version}, which is too old.` : `${path}, named by HIVE_FORGEJO_BIN, is no Forgejo.`,
    `Name a Forgejo ${oldestForgejo} or later, or unset HIVE_FORGEJO_BIN.`,
  );
}

/** Holds a directory per version. */
export const forgejoCache = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "hyperhive/forgejo");

/** Forgejos in the cache, newest first. */
function cached(): string[] {
  const cache = forgejoCache();
  if (!existsSync(cache)) return [];
  return readdirSync(cache)
    .sort((a, b) => (isAtLeast(a, b) ? -1 : 1))
    .map((version) => join(cache, version, "forgejo"))
    .filter((path) => existsSync(path));
}

/** `Forgejo version 7.0.16+gitea-1.21.11 built with …`; undefined when it does not say so. */
export async function versionOf(path: string): Promise<string | undefined> {
  const { stdout } = await run(path, ["--version"], {}).catch((error: Fault) => ({ stdout: describe(error) }));
  return stdout.match(/^forgejo version (\d+\.\d+\.\d+)/im)?.[1];
}

export function managedForge({ home, program, port }: OwnForge, forgejo: Forgejo): ForgeSource {
  const url = forgeUrlOf(port);
  const config = join(home.forge, "app.ini");
  const env = environment(home);
  const base = ["--config", config, "--work-path", home.forge];
  return {
    forge: { kind: "managed", url, adminTokenFile: home.adminToken },
    title: `Forgejo ${forgejo.version} (${forgejo.path})`,
    note: null,
    async prepare(step) {
      // Repositories too: a dump of a forge that never ran misses their directory.
      mkdirSync(join(home.forge, "data/repositories"), { recursive: true, mode: 0o700 });
      const template = readFileSync(join(program, "forge/app.ini"), "utf8");
      const values = {
        ...{ root: home.forge, port: String(port), url },
        ...secretsOf(join(home.forge, "secrets.json")),
        ...mailInForgejo(home),
      };
      replaceFile(config, render(template, values));
      await keepBefore(home, forgejo.version, (argv) => run(forgejo.path, [...base, ...argv], env, dumpWithinMs), step);
      if (existsSync(home.adminToken)) return;
      step.say("making its database");
      await run(forgejo.path, [...base, "migrate"], env);
      step.say("making its administrator");
      replaceFile(home.adminToken, `${await makeAdmin(forgejo, base, env)}\n`);
    },
    spec: {
      name: "forge",
      isForeign: true,
      command: () => ({ argv: [forgejo.path, ...base, "web"], cwd: home.forge, env }),
      waitReady: (signal) => waitHealthy(url, signal),
      check: (signal) => expectOk(new URL("/api/healthz", url), signal),
      readyWithinMs: 120_000,
      stopWithinMs: 1_300,
    },
  };
}

/** HOME must be set, and USER where the account has no name (modules/user/user.go); hooks need bash and git on PATH. */
function environment(home: Home): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: home.forge, USER: process.env["USER"] || "hive" };
}

/** @throws Error when the template names something that is not given, or a value would break out of its line. */
export function render(template: string, values: Record<string, string>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined || /[`\n\r]/.test(value)) throw new Error(`app.ini: no usable value for ${name}`);
    return value;
  });
}

const Secrets = z.object({
  secretKey: z.string(),
  internalToken: z.string(),
  oauthSecret: z.string(),
  lfsSecret: z.string(),
});

/** Made once: what Forgejo has encrypted or signed with them must stay readable. */
function secretsOf(path: string): z.infer<typeof Secrets> {
  if (!existsSync(path)) replaceFile(path, JSON.stringify(newSecrets()));
  return Secrets.parse(JSON.parse(readFileSync(path, "utf8")));
}

function newSecrets(): z.infer<typeof Secrets> {
  const random = () => randomBytes(32).toString("base64url");
  return { secretKey: random(), internalToken: internalToken(), oauthSecret: random(), lfsSecret: random() };
}

/** A token in the shape that Forgejo wants of it: an HS256 JWT that carries `nbf` (modules/generate/generate.go). */
function internalToken(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ nbf: Math.floor(Date.now() / 1000) })}`;
  return `${signed}.${createHmac("sha256", randomBytes(32)).update(signed).digest("base64url")}`;
}

/** Makes the site admin, or finds it made by a start that was cut off, and returns a new token of it. */
async function makeAdmin(forgejo: Forgejo, base: string[], env: Record<string, string>): Promise<string> {
  const user = [...base, "admin", "user"];
  const account = ["--username", adminName, "--email", `${adminName}@hive.invalid`, "--random-password"];
  await run(forgejo.path, [...user, "create", ...account, "--admin", "--must-change-password=false"], env).catch(
    (error: Fault) => {
      if (!/already exists/.test(error.message)) throw error;
    },
  );
  const name = `hive-${randomBytes(4).toString("hex")}`; // a name that is there already is an error
  const asked = ["generate-access-token", "--username", adminName, "--token-name", name, "--scopes", "all", "--raw"];
  const { stdout } = await run(forgejo.path, [...user, ...asked], env);
  const token = /^[0-9a-f]{40}$/m.exec(stdout)?.[0]; // warnings go to stdout too, before it (seen in 7.0.16)
  if (token === undefined) throw new Fault("Forgejo did not print the token that it was asked for");
  return token;
}

/** @throws Fault with what it said on stderr, never with its stdout: that may hold a password. */
function run(
  path: string,
  argv: string[],
  env: Record<string, string>,
  timeout = commandWithinMs,
): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    execFile(path, argv, { env, timeout, encoding: "utf8" }, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout });
      const said = stderr.trim().split("\n").slice(-3).join(" ");
      const command = argv.find((word) => /^\w/.test(word)) ?? argv[0];
      reject(new Fault(`forgejo ${command} failed: ${said || error.code || error.message}`));
    });
  });
}

/** Asks until it answers well. */
async function waitHealthy(url: string, signal: AbortSignal): Promise<void> {
  for (let isHealthy = false; !isHealthy && !signal.aborted; ) {
    const answer = expectOk(new URL("/api/healthz", url), AbortSignal.any([signal, AbortSignal.timeout(5_000)]));
    isHealthy = await answer.then(
      () => true,
      () => false,
    );
    if (!isHealthy) await systemClock.wait(150, signal);
  }
}
