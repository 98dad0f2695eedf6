import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FLUSH, packet } from "../../forge/embedded/git/pkt-line.ts";
import { type Clone, cloneAs, emptyClone, gitUrl, runGit } from "../forge-contract/git-client.ts";
import { basic, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

let forge: TestForge;
const tokens: Record<"reader" | "writer" | "stranger", string> = { reader: "", writer: "", stranger: "" };
const REPO = "team/code";

beforeAll(async () => {
  forge = await startTestForge();
  for (const name of ["reader", "writer", "stranger"] as const) tokens[name] = await forge.userToken(name);
  await forge.org("team", "code", {
    readers: { level: "read", members: ["reader"] },
    writers: { level: "write", members: ["writer"] },
  });
});
afterAll(() => forge[Symbol.asyncDispose]());

const lsRemote = (...credentials: [string?, string?]) =>
  runGit(forge.home, ["ls-remote", gitUrl(forge, REPO, ...credentials)]);

test("a token or a password lets in; no or wrong credentials are asked for, and what may not be seen is not there", async () => {
  expect(await lsRemote("anybody", tokens.reader)).toMatchObject({ code: 0 });
  expect(await lsRemote(tokens.reader, "x-oauth-basic")).toMatchObject({ code: 0 });
  expect(await lsRemote("reader", "password-of-reader")).toMatchObject({ code: 0 });
  expect((await lsRemote()).text).toMatch(/could not read Username/);
  expect((await lsRemote("reader", "wrong")).text).toMatch(/Authentication failed/);
  expect((await lsRemote("stranger", tokens.stranger)).text).toMatch(/not found/);
  const anonymous = await fetch(`${forge.url}/${REPO}/info/refs?service=git-upload-pack`);
  expect([anonymous.status, anonymous.headers.get("www-authenticate")]).toEqual([
    401,
    expect.stringMatching(/^Basic /),
  ]);
});

test("a token's scopes bound what it may do: read for a fetch, write for a push", async () => {
  const blind = await forge.token("writer", ["write:issue"]);
  const reading = await forge.token("writer", ["read:repository"]);
  expect((await lsRemote("writer", blind)).text).toMatch(/403/);
  const clone = await cloneAs(forge, REPO, reading);
  await clone.commit("scoped", "x");
  expect((await clone.push("HEAD:scoped")).text).toMatch(/403/);
});

test("a user that is barred from signing in loses git at once", async () => {
  const token = await forge.userToken("leaver");
  await expectStatus(204, forge.admin.put("/repos/team/code/collaborators/leaver", { permission: "read" }));
  expect(await lsRemote("leaver", token)).toMatchObject({ code: 0 });
  await expectStatus(200, forge.admin.patch("/admin/users/leaver", { prohibit_login: true }));
  expect((await lsRemote("leaver", token)).text).toMatch(/403/);
});

test("names are taken in any case, with and without .git; nothing else is a repository", async () => {
  const status = async (path: string) =>
    (await fetch(`${forge.url}${path}`, { headers: { authorization: basic("reader", tokens.reader) } })).status;
  const refs = "/info/refs?service=git-upload-pack";
  expect(await status(`/TEAM/Code${refs}`)).toBe(200);
  expect(await status(`/team/code.git${refs}`)).toBe(200);
  for (const path of ["/team/none", "/team/..%2f1", "/--upload-pack=x/code"]) {
    expect(await status(`${path}${refs}`)).toBe(404);
  }
  expect(await status("/team/code/info/refs")).toBe(403);
  expect(await status("/team/code/info/refs?service=git-shell")).toBe(403);
});

test("a reader clones whole, shallow and partly, and may push nothing, nor leave objects behind", async () => {
  const clone = await cloneAs(forge, REPO, tokens.reader);
  const shallow = await cloneAs(forge, REPO, tokens.reader, "--depth", "1");
  expect(await shallow.get("rev-list", "--count", "HEAD")).toBe("1");
  const partial = await cloneAs(forge, REPO, tokens.reader, "--filter=blob:none", "--no-checkout");
  expect(await partial.run("checkout", "-q", "main")).toMatchObject({ code: 0 });
  const commit = await clone.commit("intruder", "x");
  for (const target of ["main", "refs/heads/new", "refs/tags/t", "refs/pull/1/head", "refs/notes/n"]) {
    const { code, text } = await clone.push(`HEAD:${target}`);
    expect(code).toBe(1);
    expect(text).toMatch(/remote: Forgejo: User permission denied for writing\..*pre-receive hook declined/s);
  }
  expect((await shallow.run("fetch", "origin", commit)).text).toMatch(/not our ref/);
});

test("a writer makes, moves and deletes branches and tags, but no other refs, and is told where to propose", async () => {
  const clone = await cloneAs(forge, REPO, tokens.writer);
  await clone.commit("feature", "1");
  const made = await clone.push("HEAD:feature");
  expect(made.text).toMatch(/remote: Create a new pull request for 'feature':/);
  expect(made.text).toContain(`${forge.url}/team/code/compare/main...feature`);
  expect(await clone.push("HEAD:refs/tags/v1")).toMatchObject({ code: 0 });
  expect(await clone.push("--delete", "feature", "v1")).toMatchObject({ code: 0 });
  for (const target of ["refs/pull/1/head", "refs/replace/x", "refs/notes/n", "refs/heads/-x"]) {
    expect((await clone.push(`+HEAD:${target}`)).text).toMatch(/pre-receive hook declined/);
  }
  expect((await clone.push("--delete", "main")).text).toMatch(/default branch and cannot be deleted/);
  expect((await clone.push("HEAD^{tree}:refs/heads/tree")).code).toBe(1);
});

test("the first branch that is pushed to an empty repository becomes its default", async () => {
  const writer = forge.withToken(tokens.writer);
  await expectStatus(201, writer.post("/user/repos", { name: "fresh", private: true }));
  const clone = await emptyClone(forge, "writer/fresh", tokens.writer);
  await clone.commit("a", "1");
  await clone.get("push", "origin", "HEAD:trunk");
  expect((await writer.get("/repos/writer/fresh")).body).toMatchObject({ default_branch: "trunk", empty: false });
  const again = await cloneAs(forge, "writer/fresh", tokens.writer);
  expect(await again.get("branch", "--show-current")).toBe("trunk");
});

test("nobody pushes to an archived repository", async () => {
  const writer = forge.withToken(tokens.writer);
  await expectStatus(201, writer.post("/user/repos", { name: "old", private: true, auto_init: true }));
  await expectStatus(200, writer.patch("/repos/writer/old", { archived: true }));
  const clone = await cloneAs(forge, "writer/old", tokens.writer);
  await clone.commit("a", "1");
  expect((await clone.push("HEAD:main")).text).toMatch(/This repo is archived/);
});

test("a push of several megabytes goes through in pieces, and a broken pack is refused with git's reason", async () => {
  const clone = await cloneAs(forge, REPO, tokens.writer);
  await clone.commit("noise", randomBytes(3 * 2 ** 20));
  expect(await clone.push("HEAD:noise")).toMatchObject({ code: 0 });
  const blob = await hashed(clone, "blob", Buffer.from("x"));
  const tree = await hashed(clone, "tree", Buffer.concat([Buffer.from("100644 .git\0"), Buffer.from(blob, "hex")]));
  const who = "a <a@a.invalid> 1 +0000";
  const commit = await hashed(clone, "commit", Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nx\n`));
  expect((await clone.push(`${commit}:refs/heads/evil`)).text).toMatch(/hasDotgit/);
});

async function hashed(clone: Clone, type: string, content: Buffer): Promise<string> {
  writeFileSync(`${clone.dir}/.git/raw`, content);
  return clone.get("hash-object", "-w", "--literally", "-t", type, ".git/raw");
}

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

test("a line break in a ref's name cannot pass for a ref of its own", async () => {
  const clone = await cloneAs(forge, REPO, tokens.reader);
  const commit = await clone.get("rev-parse", "HEAD");
  const none = "0".repeat(40);
  const headers = {
    authorization: basic("x", tokens.reader),
    "content-type": "application/x-git-receive-pack-request",
  };
  for (const name of [`refs/for/main\n${none} ${commit} refs/heads/x`, "refs/heads/../x", "refs/heads/a b", "HEAD"]) {
    const command = packet(`${none} ${commit} ${name}\0report-status push-options`);
    const options = Buffer.concat([packet("topic=x"), FLUSH]);
    const pack = Buffer.from(
      "PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e",
      "latin1",
    );
    const answer = await post("/team/code/git-receive-pack", headers, Buffer.concat([command, FLUSH, options, pack]));
    expect(answer.text).toMatch(/ng /);
  }
  expect((await lsRemote("reader", tokens.reader)).text).not.toMatch(/refs\/heads\/x|refs\/pull/);
});

test("of pushes to one branch at once a single one wins", async () => {
  const clones = await Promise.all(Array.from({ length: 4 }, () => cloneAs(forge, REPO, tokens.writer)));
  await Promise.all(clones.map((clone, index) => clone.commit("race", `${index}`)));
  const results = await Promise.all(clones.map((clone) => clone.push("HEAD:race")));
  expect(results.filter(({ code }) => code === 0)).toHaveLength(1);
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
