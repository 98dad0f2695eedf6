/**
 * Git over smart HTTP. A reader may ask for `receive-pack` too, or nobody could propose by AGit: what a push may do is
 * decided in its hooks. What may not be seen does not exist (404); who says nothing is asked (401), for git sends its
 * credentials only then.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Caller, callerOf } from "./api/auth.ts";
import { isAtLeast } from "./domain/access-level.ts";
import { accessOf } from "./domain/permissions.ts";
import { answerPush, newPushSession, reportProposals } from "./domain/receive-push.ts";
import { notFound, Refusal } from "./domain/refusal.ts";
import { type Repo, repoByName } from "./domain/repos.ts";
import { hasScope } from "./domain/scopes.ts";
import { type Forge, repoDir } from "./forge.ts";
import { answerHooks, answerProcReceive } from "./git/hooks.ts";
import { Semaphore } from "./git/semaphore.ts";
import { type PackRequest, type Service, servePack } from "./git/serve-pack.ts";

const ARCHIVED =
  "This repo is archived. You can view files and clone it, but cannot push or open issues/pull-requests.";
/** Fetches and pushes that run at once; each push is two processes. */
const MOST_AT_ONCE = 32;

type Path = { owner: string; repo: string };
type Asked = FastifyRequest<{ Params: Path; Querystring: { service?: unknown } }>;

/**
 * Adds the three routes below /OWNER/REPO and /OWNER/REPO.git.
 * @returns waits until no git is left running: a push whose body has come goes on when its client is gone
 */
export async function serveGit(app: FastifyInstance, forge: Forge): Promise<() => Promise<void>> {
  const slots = new Semaphore(MOST_AT_ONCE);
  await app.register(async (scope) => {
    // bodies are git's: they are streamed, so that no limit of size applies here but git's own
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", (_request, _body, done) => done(null));
    scope.setErrorHandler((error, _request, reply) => refuse(forge, reply, error));
    scope.get("/:owner/:repo/info/refs", (request: Asked, reply) => advertise(forge, slots, request, reply));
    for (const service of ["upload-pack", "receive-pack"] as const) {
      scope.post(`/:owner/:repo/git-${service}`, (request: Asked, reply) =>
        exchange(forge, slots, service, request, reply),
      );
    }
  });
  answerExpectations(app, forge);
  return async () => {
    const all = await Promise.all(Array.from({ length: MOST_AT_ONCE }, () => slots.acquire()));
    for (const slot of all) slot[Symbol.dispose]();
  };
}

async function advertise(forge: Forge, slots: Semaphore, request: Asked, reply: FastifyReply): Promise<void> {
  const service = serviceNamed(request.query.service);
  const { repo } = await admitted(forge, request, service ?? "upload-pack");
  if (!service) throw new Refusal(403, "Please use the smart HTTP protocol");
  await run(forge, slots, packRequest(forge, repo, service, request, true), request, reply);
}

async function exchange(
  forge: Forge,
  slots: Semaphore,
  service: Service,
  request: Asked,
  reply: FastifyReply,
): Promise<void> {
  const { repo, caller } = await admitted(forge, request, service);
  const { "content-type": type, "content-encoding": encoding = "identity" } = request.headers;
  const isKnown = type === `application/x-git-${service}-request` && ["identity", "gzip", "x-gzip"].includes(encoding);
  if (!isKnown) throw new Refusal(415, "Unsupported media type");
  const pack = packRequest(forge, repo, service, request, false);
  if (service === "receive-pack") pack.onHooks = hooksOf(forge, repo, caller);
  await run(forge, slots, pack, request, reply);
}

const serviceNamed = (name: unknown): Service | undefined =>
  (["upload-pack", "receive-pack"] as const).find((service) => name === `git-${service}`);

function packRequest(
  forge: Forge,
  repo: Repo,
  service: Service,
  request: Asked,
  isAdvertisement: boolean,
): PackRequest {
  const protocol = request.headers["git-protocol"];
  return {
    service,
    dir: repoDir(forge, repo),
    isAdvertisement,
    protocol: Array.isArray(protocol) ? protocol[0] : protocol,
    isGzip: (request.headers["content-encoding"] ?? "identity") !== "identity",
  };
}

/** The hooks' channels belong to this push: who pushes where needs no proof. */
function hooksOf(forge: Forge, repo: Repo, caller: Caller): NonNullable<PackRequest["onHooks"]> {
  const session = newPushSession(forge, repo, caller.user);
  return (hooks, refs) => {
    answerHooks(hooks, (call) => answerPush(session, call));
    answerProcReceive(refs, (lines) => reportProposals(session, lines));
  };
}

async function run(
  forge: Forge,
  slots: Semaphore,
  pack: PackRequest,
  request: Asked,
  reply: FastifyReply,
): Promise<void> {
  using _slot = await slots.acquire();
  reply.hijack();
  try {
    await servePack(forge.git, pack, request.raw, reply.raw);
  } catch (error) {
    forge.log.error({ err: error, path: request.url.split("?")[0] }, "git failed");
    if (reply.raw.headersSent) reply.raw.destroy();
    else reply.raw.writeHead(500, { "content-type": "text/plain", connection: "close" }).end("git failed\n");
  }
}

/** @throws Refusal 401 unknown caller; 403 barred, without the scope, a push to an archive; 404 nothing there for this caller */
async function admitted(forge: Forge, request: Asked, service: Service): Promise<{ repo: Repo; caller: Caller }> {
  const caller = await callerOf(forge, request.headers.authorization);
  if (!caller) throw new Refusal(401, "Unauthorized");
  const { user, scopes } = caller;
  if (!user.is_active || user.prohibit_login) throw new Refusal(403, "Your account is disabled.");
  const level = service === "receive-pack" ? "write" : "read";
  if (!hasScope(scopes, level, "repository")) throw new Refusal(403, `token needs the scope ${level}:repository`);
  const { owner, repo: name } = request.params;
  const repo = repoByName(forge.db, owner, name.replace(/\.git$/i, ""));
  const isHidden = !repo || (repo.is_private && scopes.includes("public-only"));
  if (isHidden || !isAtLeast(accessOf(forge.db, user, repo).code, "read")) throw notFound("Repository not found");
  if (service === "receive-pack" && repo.is_archived) throw new Refusal(403, ARCHIVED);
  return { repo, caller };
}

function refuse(forge: Forge, reply: FastifyReply, error: unknown): FastifyReply {
  const { status, message } = error instanceof Refusal ? error : { status: 500, message: "internal error" };
  if (status === 500) forge.log.error({ err: error }, "a git request failed");
  if (status === 401) reply.header("www-authenticate", 'Basic realm="Forgejo", charset="UTF-8"');
  // what is still coming of a refused body is not waited for
  if (!reply.request.raw.complete) reply.header("connection", "close");
  return reply.code(status).type("text/plain; charset=utf-8").send(`${message}\n`);
}

const GIT_POST = /\/git-(upload|receive)-pack$/;

/** `Expect: 100-continue` of git is granted only to who has shown a right token: nobody else's body is asked for. */
function answerExpectations(app: FastifyInstance, forge: Forge): void {
  app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    const proceed = (isGranted: boolean) => {
      if (isGranted) response.writeContinue();
      app.server.emit("request", request, response);
    };
    if (!GIT_POST.test(request.url?.split("?")[0] ?? "")) return proceed(true);
    callerOf(forge, request.headers.authorization).then(
      (caller) => proceed(caller !== undefined),
      () => proceed(false),
    );
  });
}
