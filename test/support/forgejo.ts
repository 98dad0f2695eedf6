/** A real Forgejo for a test, configured as `hive up` does it. */
import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { type RunningForge, startForge } from "./running-forge.ts";

const run = promisify(execFile);

/** The Forgejo that the tests use: HIVE_FORGEJO_BIN, then PATH, then the cache; undefined when there is none. */
export function findForgejo(): string | undefined {
  const named = process.env["HIVE_FORGEJO_BIN"];
  const onPath = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, "forgejo"));
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "hyperhive/forgejo");
  const cached = existsSync(cache) ? readdirSync(cache).map((version) => join(cache, version, "forgejo")) : [];
  return [...(named ? [named] : []), ...onPath, ...cached].find((path) => existsSync(path));
}

/** Starts it with its site admin made, whose token lies in `adminTokenFile`. */
export async function startForgejo(binary: string): Promise<RunningForge> {
  return startForge("managed", async (directory, port) => {
    const config = join(directory, "app.ini");
    const env = { PATH: process.env["PATH"] ?? "", HOME: directory, USER: process.env["USER"] || "hive" };
    const base = ["--config", config, "--work-path", directory];
    mkdirSync(join(directory, "data"));
    writeFileSync(config, appIni(directory, port), { mode: 0o600 });
    await run(binary, [...base, "migrate"], { env });
    const user = [...base, "admin", "user"];
    const account = ["--username", "hive-admin", "--email", "hive-admin@hive.invalid", "--random-password"];
    await run(binary, [...user, "create", ...account, "--admin", "--must-change-password=false"], { env });
    const asked = ["generate-access-token", "--username", "hive-admin", "--scopes", "all", "--raw"];
    const { stdout } = await run(binary, [...user, ...asked], { env });
    writeFileSync(join(directory, "admin-token"), stdout.trim().split("\n").at(-1) ?? "", { mode: 0o600 });
    return { argv: [binary, ...base, "web"], env };
  });
}

function appIni(root: string, port: number): string {
  const secret = () => randomBytes(32).toString("base64url");
  const values: Record<string, string> = {
    root,
    port: String(port),
    url: `http://127.0.0.1:${port}`,
    secretKey: secret(),
    internalToken: internalToken(),
    oauthSecret: secret(),
    lfsSecret: secret(),
  };
  const template = readFileSync(join(import.meta.dirname, "../../forge/app.ini"), "utf8");
  const filled = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? "");
  return process.getuid?.() === 0 ? `I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n${filled}` : filled;
}

function internalToken(): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ nbf: Math.floor(Date.now() / 1000) })}`;
  return `${signed}.${createHmac("sha256", randomBytes(32)).update(signed).digest("base64url")}`;
}
