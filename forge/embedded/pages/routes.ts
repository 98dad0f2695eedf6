/** All pages with their addresses. They are plain HTML and forms: nothing here needs a script. */
import cookie from "@fastify/cookie";
import formbody from "@fastify/formbody";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound, Refusal } from "../domain/refusal.ts";
import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { registerAssets } from "./assets.ts";
import { authorizePage, postGrant } from "./authorize.ts";
import { commitListPage, commitPage } from "./commits.ts";
import { branchChoicePage, comparePage, postCompare } from "./compare.ts";
import { editCommentPage, postCommentBoxes, postDeleteComment, postEditComment } from "./edit-comment.ts";
import { editIssuePage, postBoxes, postEditIssue } from "./edit-issue.ts";
import { rawFile, repoPage, sourcePage } from "./files.ts";
import { contentPolicy, demandOwnForm, demandOwnHost, setHeaders } from "./guard.ts";
import { homePage } from "./home.ts";
import { issuePage, postComment } from "./issue.ts";
import { issueListPage, pullListPage } from "./issues.ts";
import { documentOf } from "./layout.ts";
import { newIssuePage, postNewIssue } from "./new-issue.ts";
import { localPath, signInPath } from "./paths.ts";
import { ownerPage, peoplePage } from "./people.ts";
import { discardPending, postLineComment, postReview } from "./post-review.ts";
import { problemPage, refusalOf } from "./problem.ts";
import { postMerge, pullCommitsPage, pullDiff, pullPage, pullPatch } from "./pull.ts";
import { pullFilesPage } from "./pull-files.ts";
import { signIn, signOut, visitorOf } from "./session.ts";
import { linkPage, secretOf, signInPage, spentLinkPage, userOfForm, userOfLink } from "./sign-in.ts";
import { goToComment } from "./thread-pages.ts";
import { postRevoke, postToken, TOKENS_PATH, tokensPage } from "./tokens.ts";
import type { Download, GoTo, Page, Posted, Visit } from "./visit.ts";

const MAX_FORM_BYTES = 2 * 1024 * 1024;

type View = (visit: Visit) => Page | GoTo | Download | Promise<Page | GoTo | Download>;
type Action = (visit: Posted) => Page | GoTo | Promise<Page | GoTo>;

const repo = "/:owner/:repo";
const issue = `${repo}/issues/:number`;
const comment = `${issue}/comments/:id`;
const pull = `${repo}/pulls/:number`;

const views: Record<string, View> = {
  "/": homePage,
  "/login/oauth/authorize": authorizePage,
  "/explore/users": peoplePage,
  [TOKENS_PATH]: (visit) => tokensPage(visit),
  "/:owner": ownerPage,
  [repo]: repoPage,
  [`${repo}/src/branch/*`]: sourcePage("branch"),
  [`${repo}/src/tag/*`]: sourcePage("tag"),
  [`${repo}/src/commit/*`]: sourcePage("commit"),
  [`${repo}/raw/branch/*`]: rawFile("branch"),
  [`${repo}/raw/tag/*`]: rawFile("tag"),
  [`${repo}/raw/commit/*`]: rawFile("commit"),
  [`${repo}/commits/branch/*`]: commitListPage("branch"),
  [`${repo}/commits/tag/*`]: commitListPage("tag"),
  [`${repo}/commits/commit/*`]: commitListPage("commit"),
  [`${repo}/commit/:sha`]: commitPage,
  [`${repo}/issues`]: issueListPage,
  [`${repo}/issues/new`]: (visit) => newIssuePage(visit),
  [issue]: (visit) => issuePage(visit),
  [`${issue}/edit`]: (visit) => editIssuePage(visit),
  [comment]: goToComment,
  [`${comment}/edit`]: (visit) => editCommentPage(visit),
  [`${repo}/pulls`]: pullListPage,
  [`${repo}/compare`]: branchChoicePage,
  [`${repo}/compare/*`]: (visit) => comparePage(visit),
  [pull]: (visit) => pullPage(visit),
  [`${repo}/pulls/:number(^\\d+).diff`]: pullDiff,
  [`${repo}/pulls/:number(^\\d+).patch`]: pullPatch,
  [`${pull}/commits`]: pullCommitsPage,
  [`${pull}/files`]: (visit) => pullFilesPage(visit),
};

const actions: Record<string, Action> = {
  "/login/oauth/grant": postGrant,
  [TOKENS_PATH]: postToken,
  [`${TOKENS_PATH}/delete`]: postRevoke,
  [`${repo}/issues/new`]: postNewIssue,
  [`${issue}/edit`]: postEditIssue,
  [`${issue}/boxes`]: postBoxes,
  [`${issue}/comments`]: postComment,
  [`${comment}/edit`]: postEditComment,
  [`${comment}/boxes`]: postCommentBoxes,
  [`${comment}/delete`]: postDeleteComment,
  [`${repo}/compare/*`]: postCompare,
  [`${pull}/merge`]: postMerge,
  [`${pull}/files/reviews/submit`]: postReview,
  [`${pull}/files/reviews/comments`]: postLineComment,
  [`${pull}/files/reviews/discard`]: discardPending,
};

/** Serves the pages beside the API, with guards, headers and error pages of their own. */
export async function registerPages(app: FastifyInstance, forge: Forge): Promise<void> {
  await app.register(async (pages) => {
    await pages.register(cookie);
    await pages.register(formbody, { bodyLimit: MAX_FORM_BYTES });
    pages.addHook("onRequest", async (request, reply) => {
      setHeaders(reply);
      demandOwnHost(forge, request);
      if (request.method !== "GET" && request.method !== "HEAD") demandOwnForm(forge, request);
    });
    pages.setErrorHandler((error, request, reply) => sendProblem(forge, error, request, reply));
    pages.setNotFoundHandler((request, reply) => sendProblem(forge, notFound(), request, reply));
    registerAssets(pages);
    registerSignIn(pages, forge);
    for (const [path, view] of Object.entries(views)) registerView(pages, forge, path, view);
    for (const [path, action] of Object.entries(actions)) registerAction(pages, forge, path, action);
  });
}

function registerView(pages: FastifyInstance, forge: Forge, path: string, view: View): void {
  pages.get(path, async (request, reply) => {
    const user = visitorOf(forge, request);
    if (!user) return reply.redirect(signInPath(request.url), 303);
    return send(reply, await view(visitOf(forge, request, user)), user);
  });
}

function registerAction(pages: FastifyInstance, forge: Forge, path: string, action: Action): void {
  pages.post(path, { bodyLimit: MAX_FORM_BYTES }, async (request, reply) => {
    const user = visitorOf(forge, request);
    if (!user)
      throw new Refusal(401, "Nothing was done. Sign in in another tab, come back here and send the form again.");
    return send(reply, await action({ ...visitOf(forge, request, user), form: request.body }), user);
  });
}

function registerSignIn(pages: FastifyInstance, forge: Forge): void {
  pages.get("/user/login", (request, reply) => {
    const { redirect_to } = visitParts(request).query;
    return visitorOf(forge, request)
      ? reply.redirect(localPath(redirect_to), 303)
      : send(reply, signInPage(forge, redirect_to), null);
  });
  pages.post("/user/login", async (request, reply) => {
    const form = textFields(request.body);
    try {
      signIn(forge, await userOfForm(forge, form), request, reply);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const refused = { status: 401, sentence: error.message, typed: form };
      return send(reply, signInPage(forge, form["redirect_to"], refused), null);
    }
    return reply.redirect(localPath(form["redirect_to"]), 303);
  });
  pages.post("/user/logout", (request, reply) => {
    signOut(forge, request, reply);
    return reply.redirect("/user/login", 303);
  });
  pages.get("/sign-in/link", (request, reply) => send(reply, linkPage(secretOf(request.query)), null));
  pages.post("/sign-in/link", (request, reply) => {
    const user = userOfLink(forge, request.body);
    if (!user) return send(reply, spentLinkPage(), null);
    signIn(forge, user, request, reply);
    return reply.redirect("/", 303);
  });
}

function visitOf(forge: Forge, request: FastifyRequest, user: User): Visit {
  return { forge, user, url: request.url, ...visitParts(request) };
}

const visitParts = (request: FastifyRequest) => ({
  params: textFields(request.params),
  query: textFields(request.query),
});

/** Of a field that comes twice the last one counts. */
function textFields(values: unknown): Record<string, string> {
  const entries = Object.entries(values ?? {}).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.at(-1) : value,
  ]);
  return Object.fromEntries(entries.filter(([, value]) => typeof value === "string"));
}

function send(reply: FastifyReply, answer: Page | GoTo | Download, user: User | null): FastifyReply {
  if ("goTo" in answer) return reply.redirect(answer.goTo, 303);
  if ("bytes" in answer) return sendFile(reply, answer);
  if (answer.leadsTo !== undefined) reply.header("content-security-policy", contentPolicy(answer.leadsTo));
  return reply
    .status(answer.status ?? 200)
    .type("text/html; charset=utf-8")
    .send(documentOf(answer, user));
}

/** Somebody's file, never part of our site: what is neither text nor picture is saved, and nothing in it may run. */
function sendFile(reply: FastifyReply, { bytes, type }: Download): FastifyReply {
  reply.header("content-security-policy", "default-src 'none'; sandbox");
  if (type === "application/octet-stream") reply.header("content-disposition", "attachment");
  return reply.type(type).send(bytes);
}

function sendProblem(forge: Forge, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = refusalOf(error);
  if (!refusal) forge.log.error({ err: error, url: request.routeOptions.url }, "a page failed");
  const { status, sentence } = refusal ?? {
    status: 500,
    sentence: "The forge could not show this page. Its log says why.",
  };
  return send(reply, problemPage(status, sentence), visitorOf(forge, request) ?? null);
}
