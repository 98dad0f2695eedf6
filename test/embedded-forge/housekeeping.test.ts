import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { expect, test } from "vitest";
import { openForge, startForge } from "../../forge/embedded/app.ts";
import { ForgeConfig } from "../../forge/embedded/config.ts";
import { cloneAs } from "../forge-contract/git-client.ts";
import { configOf, expectStatus, startTestForge, TestForge } from "./test-forge.ts";

const MANY = 60;

/** Which messages the forge has logged, and when one of them comes. */
function logBook() {
  const said = new Map<string, PromiseWithResolvers<void>>();
  const entry = (message: string) => {
    const known = said.get(message) ?? Promise.withResolvers<void>();
    said.set(message, known);
    return known;
  };
  const log = pino({ level: "info" }, { write: (line: string) => entry(String(JSON.parse(line).msg)).resolve() });
  return { log, until: (message: string) => entry(message).promise };
}

async function git(dir: string, args: string[], input = ""): Promise<string> {
  const child = spawn("git", args, { cwd: dir, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  return (await text(child.stdout)).trim();
}

/** Loose objects, all in the folder by which git judges how many there are in the whole repository. */
async function fill(dir: string): Promise<void> {
  const contents = Array.from({ length: 90_000 }, (_, at) => String(at + 10_000));
  const judged = contents.filter((content) => idOf(content).startsWith("17")).slice(0, MANY);
  await git(dir, ["fast-import", "--quiet"], judged.map((content) => `blob\ndata 5\n${content}\n`).join(""));
}

const idOf = (content: string): string => createHash("sha1").update(`blob 5\0${content}`).digest("hex");

function looseIn(dir: string): number {
  const folder = path.join(dir, "objects", "17");
  return existsSync(folder) ? readdirSync(folder).length : 0;
}

const dirOf = (forge: TestForge, id: number): string => path.join(forge.home, "data", "repos", `${id}.git`);

test("after a push a repository with many loose objects is packed, and what it holds is still there", async () => {
  const { log, until } = logBook();
  await using forge = await startTestForge({ log });
  const token = await forge.userToken("alice");
  const { id } = (await expectStatus(201, forge.withToken(token).post("/user/repos", { name: "x", auto_init: true })))
    .body;
  await fill(dirOf(forge, id));
  expect(looseIn(dirOf(forge, id))).toBeGreaterThanOrEqual(MANY);
  const clone = await cloneAs(forge, "alice/x", token);
  const head = await clone.commit("file", "1");
  expect((await clone.push("HEAD:main")).code).toBe(0);
  await until("a repository was packed");
  expect(looseIn(dirOf(forge, id))).toBeLessThan(MANY);
  expect(await (await cloneAs(forge, "alice/x", token)).get("rev-parse", "HEAD")).toBe(head);
});

test("what a push left behind is packed at the next start", async () => {
  const first = await startTestForge();
  const alice = await first.user("alice");
  const { id } = (await expectStatus(201, alice.post("/user/repos", { name: "x", auto_init: true }))).body;
  await first.running.stop();
  await fill(dirOf(first, id));
  const { log, until } = logBook();
  await using _again = new TestForge(first.home, await startForge(configOf(first.home), { log }));
  await until("a repository was packed");
  expect(looseIn(dirOf(first, id))).toBeLessThan(MANY);
});

test("a repository that is being packed is deleted at once, and nothing of it comes back", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  const { id } = (await expectStatus(201, alice.post("/user/repos", { name: "x", auto_init: true }))).body;
  const dir = dirOf(forge, id);
  await fill(dir);
  const content = { branch: "main", content: Buffer.from("1").toString("base64") };
  await expectStatus(201, alice.post("/repos/alice/x/contents/file", content));
  await expectStatus(204, alice.delete("/repos/alice/x"));
  expect(existsSync(dir)).toBe(false);
  expect(readdirSync(path.join(forge.home, "data", "repos", ".limbo"))).toEqual([]);
});

test("one repository is packed after the other, and none once it is left", async () => {
  await using forge = await startTestForge();
  const alice = await forge.user("alice");
  const ids: number[] = [];
  for (const name of ["x", "y", "z"])
    ids.push((await expectStatus(201, alice.post("/user/repos", { name, auto_init: true }))).body.id);
  await forge.running.stop();
  for (const id of ids) await fill(dirOf(forge, id));
  const { log, until } = logBook();
  const data = openForge(ForgeConfig.parse(configOf(forge.home)), { log });
  const [x = 0, y = 0, z = 0] = ids;
  for (const id of ids) data.housekeeping.ask(id);
  await data.housekeeping.leave(y);
  await until("a repository was packed");
  expect(looseIn(dirOf(forge, x))).toBeLessThan(MANY);
  await data.housekeeping.stop();
  expect(looseIn(dirOf(forge, y))).toBeGreaterThanOrEqual(MANY);
  expect(looseIn(dirOf(forge, z))).toBe(MANY);
  await data.git.objects.close();
  data.db.close();
});
