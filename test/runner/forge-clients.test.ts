import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parse } from "yaml";
import type { AgentName } from "../../src/contract/names.ts";
import { writeSecrets } from "../../src/hive-runner/launch.ts";
import { findClients } from "../../src/hive-runner/place.ts";
import { secretsFor } from "../../src/hived/runtimes/secrets.ts";

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "hive-"));
});
afterEach(() => rmSync(top, { recursive: true }));

/** Installs a client that is this shell command, and sets it up for bob as a launch does. @returns its program in bob's PATH */
async function setUp(client: "tea" | "fj", command: string, url = "http://127.0.0.1:3000"): Promise<string> {
  const program = join(top, "it's", client);
  mkdirSync(join(top, "it's"), { recursive: true });
  writeFileSync(program, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  const access = { url, token: "t0ken", email: "bob@hive.invalid" };
  await writeSecrets(join(top, "run"), secretsFor("bob" as AgentName, access, { clients: { [client]: program } }));
  return join(top, "run/bin", client);
}

test("tea finds its login, in a configuration directory that is no other program's", async () => {
  const tea = await setUp("tea", 'cat "$XDG_CONFIG_HOME/tea/config.yml"');
  expect(parse(execFileSync(tea, { encoding: "utf8" }))).toMatchObject({
    logins: [{ url: "http://127.0.0.1:3000", user: "bob", token: "t0ken", default: true }],
  });
});

test("fj finds its key under the forge's host and path, and may write its file, which is gone afterwards", async () => {
  const fj = await setUp(
    "fj",
    'f=$XDG_DATA_HOME/forgejo-cli/keys.json; cat "$f"; echo >>"$f"; echo "$f $FJ_FALLBACK_HOST" >&2',
    "https://host.test:8443/forge/",
  );
  const ran = spawnSync(fj, { encoding: "utf8" });
  expect(JSON.parse(ran.stdout)).toMatchObject({
    hosts: { "host.test:8443/forge": { type: "Application", token: "t0ken" } },
  });
  const [file = "", host] = ran.stderr.trim().split(" ");
  expect(host).toBe("https://host.test:8443/forge/");
  expect(existsSync(join(file, "../.."))).toBe(false);
  expect(readFileSync(join(top, "run/clients/forgejo-cli/keys.json"), "utf8")).toContain("t0ken");
});

test("fj's own git is signed in to the forge, by whatever name it finds it, and to nobody else", async () => {
  await setUp("fj", "true", "http://127.0.0.1:3000/");
  const config = join(top, "run/clients/git/config");
  const { hosts } = JSON.parse(readFileSync(join(top, "run/clients/forgejo-cli/keys.json"), "utf8"));
  expect(Object.keys(hosts)).toEqual(["127.0.0.1:3000", "localhost:3000"]);
  const env = {
    ...{ PATH: process.env["PATH"], GIT_CONFIG_GLOBAL: config, GIT_CONFIG_NOSYSTEM: "1", GIT_TERMINAL_PROMPT: "0" },
    ...{ HIVE_FORGE_USER: "bob", HIVE_FORGE_TOKEN_FILE: join(top, "run/forge-token") },
  };
  const git = (args: string[], input = "") => spawnSync("git", args, { cwd: top, env, input, encoding: "utf8" });
  const askedOf = (told: string) => git(["credential", "fill"], `protocol=http\n${told}\n`).stdout;
  expect(askedOf("host=localhost:3000")).toContain("username=bob\npassword=t0ken\n");
  for (const other of ["host=localhost:3001", "host=forge.example:3000", "host=", "path=host=localhost:3000"])
    expect(askedOf(other)).not.toContain("t0ken");
  expect(git(["ls-remote", "--get-url", "http://127.0.0.1:3000/a/b.git"]).stdout).toBe(
    "http://localhost:3000/a/b.git\n",
  );
});

test("a client gets its arguments as they are, and its exit code is its own", async () => {
  const tea = await setUp("tea", 'printf "<%s>" "$@"; exit 7');
  const ran = spawnSync(tea, ["pulls", "a b", "$HOME", ""], { encoding: "utf8" });
  expect(ran).toMatchObject({ stdout: "<pulls><a b><$HOME><>", status: 7 });
});

test("clients are found in the agents' PATH, first come first served, and where links lead to", async () => {
  for (const directory of ["one", "two", "store"]) mkdirSync(join(top, directory));
  for (const file of ["one/fj", "two/fj", "store/tea"]) writeFileSync(join(top, file), "");
  symlinkSync(join(top, "store/tea"), join(top, "two/tea"));
  const path = `${join(top, "none")}:${join(top, "one")}:${join(top, "two")}`;
  expect(await findClients(path)).toEqual({ fj: join(top, "one/fj"), tea: join(top, "store/tea") });
  expect(await findClients(join(top, "none"))).toBeUndefined();
});
