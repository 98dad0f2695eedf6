/** Git over HTTP at its edges, which Forgejo draws elsewhere or not at all. The rest is the contract suite's. */
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FLUSH, packet } from "../../forge/embedded/git/pkt-line.ts";
import { type Clone, cloneAs, runGit } from "../forge-contract/git-client.ts";
import { basic, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

let forge: TestForge;
const tokens: Record<"reader" | "writer", string> = { reader: "", writer: "" };
const REPO = "team/code";

beforeAll(async () => {
  forge = await startTestForge();
  for (const name of ["reader", "writer"] as const) tokens[name] = await forge.userToken(name);
  await forge.org("team", "code", {
    readers: { level: "read", members: ["reader"] },
    writers: { level: "write", members: ["writer"] },
  });
});
afterAll(() => forge[Symbol.asyncDispose]());

test("no refs are written but branches and tags; Forgejo takes notes and others", async () => {
  const clone = await cloneAs(forge, REPO, tokens.writer);
  await clone.commit("feature", "1");
  for (const target of ["refs/pull/1/head", "refs/replace/x", "refs/notes/n"]) {
    expect((await clone.push(`+HEAD:${target}`)).text, target).toMatch(/pre-receive hook declined/);
  }
  expect((await clone.push("--delete", "main")).text).toMatch(/default branch and cannot be deleted/);
  expect((await clone.push("HEAD^{tree}:refs/heads/tree")).code).toBe(1);
});

interface Raw {
  status: number;
  text: string;
  wasContinued: boolean;
}

/** A client that git is not: what it sends is up to the test. */
function post(path: string, headers: Record<string, string>, body: Buffer): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>();
  const outgoing = request(`${forge.url}${path}`, { method: "POST", headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("latin1"), wasContinued }),
    );
  });
  let wasContinued = false;
  outgoing.on("error", reject);
  if (headers["expect"] === undefined) outgoing.end(body);
  else {
    outgoing.on("continue", () => {
      wasContinued = true;
      outgoing.end(body);
    });
    outgoing.flushHeaders();
  }
  return promise;
}

const listing = Buffer.concat([
  packet("command=ls-refs\n"),
  Buffer.from("0001"),
  packet("ref-prefix refs/heads/\n"),
  FLUSH,
]);
const fetching = (secret: string) => ({
  authorization: basic("x", secret),
  "content-type": "application/x-git-upload-pack-request",
  "git-protocol": "version=2",
});

test("a compressed request is read, another encoding or type is not", async () => {
  const headers = fetching(tokens.reader);
  const path = "/team/code/git-upload-pack";
  const zipped = await post(path, { ...headers, "content-encoding": "gzip" }, gzipSync(listing));
  expect(zipped).toMatchObject({ status: 200, text: expect.stringContaining("refs/heads/main") });
  expect(await post(path, { ...headers, "content-encoding": "br" }, listing)).toMatchObject({ status: 415 });
  expect(await post(path, { ...headers, "content-type": "text/plain" }, listing)).toMatchObject({ status: 415 });
});

test("a body is asked for by 100-continue only from who has shown a right token", async () => {
  const path = "/team/code/git-upload-pack";
  const granted = await post(path, { ...fetching(tokens.reader), expect: "100-continue" }, listing);
  expect(granted).toMatchObject({ status: 200, wasContinued: true });
  const refused = await post(path, { ...fetching("0".repeat(40)), expect: "100-continue" }, listing);
  expect(refused).toMatchObject({ status: 401, wasContinued: false });
});

test("a client that leaves in the middle of its push leaves nothing behind, and no git running", async () => {
  await using other = await startTestForge();
  const token = await other.userToken("writer");
  await expectStatus(201, other.withToken(token).post("/user/repos", { name: "code", auto_init: true }));
  const clone = await cloneAs(other, "writer/code", token);
  const commit = await clone.commit("large", randomBytes(16 * 2 ** 20));
  const pack = await packOf(clone, commit);
  const command = packet(`${"0".repeat(40)} ${commit} refs/heads/left\0report-status`);
  const headers = { authorization: basic("x", token), "content-type": "application/x-git-receive-pack-request" };
  const outgoing = request(`${other.url}/writer/code/git-receive-pack`, { method: "POST", headers });
  const gone = new Promise<void>((resolve) => outgoing.on("close", resolve));
  outgoing.on("error", () => outgoing.destroy());
  // more than all buffers on the way hold: when it is written, git has begun to read
  outgoing.write(Buffer.concat([command, FLUSH, pack.subarray(0, pack.length - 1000)]), () => outgoing.destroy());
  await gone;
  await other.running.stop();
  const repo = path.join(other.home, "data/repos/1.git");
  expect(readdirSync(path.join(repo, "objects")).filter((name) => name.startsWith("tmp_"))).toEqual([]);
  expect((await runGit(repo, ["cat-file", "-e", commit])).code).not.toBe(0);
});

async function packOf(clone: Clone, commit: string): Promise<Buffer> {
  await clone.get("update-ref", "refs/heads/packed", commit);
  const name = await clone.get("pack-objects", "--all", "-q", "packed");
  return readFileSync(`${clone.dir}/packed-${name}.pack`);
}
