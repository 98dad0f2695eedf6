/** Area `git`: the embedded forge's, against the real Forgejo's and against git's own program behind a web server. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Clone, cloneAs, runGit } from "../forge-contract/git-client.ts";
import { startEmbedded } from "../support/embedded.ts";
import { startForgejo } from "../support/forgejo.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { compare, type Figure } from "./figure.ts";
import { requireForgejo } from "./require-forgejo.ts";

const mebibyte = 1024 * 1024;
const sizeMib = 50;

export async function* git(): AsyncIterable<Figure> {
  const found = await requireForgejo();
  const home = mkdtempSync(join(tmpdir(), "hive-bench-"));
  try {
    await using embedded = await startEmbedded();
    await using forgejo = await startForgejo(found);
    yield await compare({
      name: `pull request by AGit, embedded / Forgejo ${found.version}`,
      unit: "ms",
      rounds: 9,
      atMost: 1 / 4,
      ours: await proposer(embedded, home),
      floor: await proposer(forgejo, home),
    });
    yield await cloneFigure(embedded, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A repository of the site admin's, cloned. */
async function newClone({ url, adminTokenFile }: RunningForge, home: string, name: string): Promise<Clone> {
  const token = readFileSync(adminTokenFile, "utf8").trim();
  await withToken(url, token).call("POST", "/user/repos", { name, auto_init: true, default_branch: "main" });
  return cloneAs({ url, home }, `hive-admin/${name}`, token);
}

/** @returns what opens one more pull request, and says how long the push took in milliseconds */
async function proposer(forge: RunningForge, home: string): Promise<() => Promise<number>> {
  const clone = await newClone(forge, home, "proposals");
  let last = 0;
  const propose = async () => {
    last += 1;
    await clone.commit(`proposal-${last}.md`, "a proposal\n");
    const began = performance.now();
    const { code, text } = await clone.propose(`proposal-${last}`);
    const tookMs = performance.now() - began;
    if (code !== 0) throw new Error(text);
    return tookMs;
  };
  await propose();
  return propose;
}

async function cloneFigure(embedded: RunningForge, home: string): Promise<Figure> {
  const source = await newClone(embedded, home, "large");
  for (let file = 1; file < sizeMib; file += 1)
    await source.commit("large.bin", randomBytes(mebibyte), `version ${file}`);
  await source.commit("large.bin", randomBytes(mebibyte));
  const { code, text } = await source.push("HEAD:main");
  if (code !== 0) throw new Error(text);
  const bare = join(home, "bare");
  await runGit(home, [
    "clone",
    "-q",
    "--bare",
    await source.get("remote", "get-url", "origin"),
    join(bare, "large.git"),
  ]);
  await using plain = await openHttpBackend(bare);
  return await compare({
    name: `clone of ${sizeMib} MiB, embedded / git http-backend`,
    unit: "ms",
    rounds: 7,
    atMost: 1.2,
    ours: await cloner(await source.get("remote", "get-url", "origin"), home),
    floor: await cloner(`${plain.url}/large.git`, home),
  });
}

async function cloner(url: string, home: string): Promise<() => Promise<number>> {
  const clone = async () => {
    const directory = mkdtempSync(join(home, "cloned-"));
    const began = performance.now();
    const { code, text } = await runGit(directory, ["clone", "-q", url, "."]);
    const tookMs = performance.now() - began;
    rmSync(directory, { recursive: true });
    if (code !== 0) throw new Error(text);
    return tookMs;
  };
  await clone();
  return clone;
}

/** git's own CGI program (git-http-backend(1)) behind nothing but Node's web server. */
async function openHttpBackend(root: string): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => serveByGit(root, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serveByGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const {
    "content-type": type = "",
    "content-encoding": encoding = "",
    "git-protocol": protocol = "",
  } = request.headers;
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: dirname(root),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: type,
      HTTP_CONTENT_ENCODING: encoding,
      GIT_PROTOCOL: String(protocol),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  request.pipe(child.stdin);
  let head = Buffer.alloc(0);
  const readHead = (chunk: Buffer) => {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    child.stdout.off("data", readHead);
    for (const line of head.subarray(0, end).toString().split("\r\n")) {
      const [name = "", value = ""] = line.split(/:\s*/, 2);
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    child.stdout.pipe(response);
  };
  child.stdout.on("data", readHead);
}
