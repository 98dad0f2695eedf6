/**
 * One request of git's smart HTTP protocol: git itself (`upload-pack`, `receive-pack`) with its input and output tied to
 * the request and the response, both ways with back pressure.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { FLUSH, packet } from "./pkt-line.ts";
import type { Git } from "./run.ts";

export type Service = "upload-pack" | "receive-pack";
export interface PackRequest {
  service: Service;
  dir: string;
  /** Only the list of refs is asked for: the first request of every fetch and push. */
  isAdvertisement: boolean;
  /** Value of the header Git-Protocol. */
  protocol: string | undefined;
  /** The body is compressed. */
  isGzip: boolean;
  /** Serves the hooks' channels of a push. */
  onHooks?: (hooks: Duplex, refs: Duplex) => void;
}

/** Resolves when git has ended and the response is on its way. */
export function servePack(
  git: Git,
  pack: PackRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const child = startGit(git, pack);
  feed(child, pack.isGzip ? request.pipe(createGunzip()) : request, request);
  return answer(child, pack, request, response);
}

function startGit(git: Git, pack: PackRequest): ChildProcess {
  const { service, dir, isAdvertisement } = pack;
  const args = [service, "--stateless-rpc", ...(isAdvertisement ? ["--http-backend-info-refs"] : []), dir];
  const env = isVersion2(pack) ? { ...git.environment, GIT_PROTOCOL: pack.protocol } : git.environment;
  // pipes of Node are socket pairs: descriptors 3 and 4 carry both ways, and git hands them on to its hooks
  const hookPipes = pack.onHooks ? ["pipe" as const, "pipe" as const] : [];
  const child = spawn("git", args, { cwd: dir, env, stdio: ["pipe", "pipe", "pipe", ...hookPipes] });
  const [, , , hooks, refs] = child.stdio;
  if (pack.onHooks) pack.onHooks(hooks as Duplex, refs as Duplex);
  return child;
}

const isVersion2 = ({ service, protocol = "" }: PackRequest): boolean =>
  service === "upload-pack" && /^[a-z0-9=:.-]{1,64}$/.test(protocol);

/** A broken upload is an end of input for git, which then removes what it has received; it is never killed for it. */
function feed(child: ChildProcess, body: Readable, request: IncomingMessage): void {
  const { stdin } = child;
  if (!stdin) throw new Error("git was started without an input");
  let isOver = false;
  const end = () => {
    isOver = true;
    stdin.end();
  };
  // git may leave early (too large, broken): the rest is swallowed, or the client would never read the reason
  stdin.on("error", () => {
    isOver = true;
    body.resume();
  });
  body.on("data", (chunk: Buffer) => {
    if (isOver || stdin.write(chunk)) return;
    body.pause();
    stdin.once("drain", () => body.resume());
  });
  body.on("end", end);
  body.on("error", end);
  request.on("error", end);
  const endIfCutOff = () => {
    if (!request.readableEnded) end();
  };
  request.on("close", endIfCutOff);
  if (request.destroyed) endIfCutOff();
}

function answer(
  child: ChildProcess,
  pack: PackRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error("git was started without an output");
  let errors = "";
  stderr.on("data", (chunk: Buffer) => {
    if (errors.length < 4000) errors += chunk.toString("utf8");
  });
  stdout.on("data", (chunk: Buffer) => {
    writeHead(pack, response);
    if (response.destroyed || response.write(chunk)) return;
    stdout.pause();
    response.once("drain", () => stdout.resume());
  });
  response.on("close", () => {
    stdout.resume(); // a push whose body is complete goes on to its end without its client
    if (pack.service === "upload-pack") child.kill();
  });
  child.on("error", reject);
  child.on("close", (code) => {
    if (response.destroyed) return resolve();
    if (code !== 0 && !response.headersSent)
      return reject(new Error(`git ${pack.service} ended with ${code}: ${errors}`));
    // a push's probe has an empty answer, and git ends well
    writeHead(pack, response);
    response.end();
    resolve();
    if (!request.complete) request.resume();
  });
  return promise;
}

function writeHead(pack: PackRequest, response: ServerResponse): void {
  if (response.headersSent) return;
  const { service, isAdvertisement } = pack;
  response.writeHead(200, {
    "content-type": `application/x-git-${service}-${isAdvertisement ? "advertisement" : "result"}`,
    "cache-control": "no-cache, max-age=0, must-revalidate",
  });
  const isPlain = isAdvertisement && !(isVersion2(pack) && pack.protocol?.includes("version=2"));
  if (isPlain) response.write(Buffer.concat([packet(`# service=git-${service}\n`), FLUSH]));
}
