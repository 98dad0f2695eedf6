/**
 * One row of the API's table: method, path, scopes, the schemas of what comes in, and the function that answers. Whoever
 * handles a call has trusted values and a user; refusals become Forgejo's error bodies in one place.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import { Refusal } from "../domain/refusal.ts";
import type { Category, Level } from "../domain/scopes.ts";
import type { User } from "../domain/users.ts";
import type { Forge } from "../forge.ts";
import { type Caller, callerOf, demandAble, demandScopes, sudo } from "./auth.ts";

export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  forge: Forge;
  /** Who acts: the caller, or whom it acts as. */
  user: User;
  caller: Caller;
  params: Params;
  query: Query;
  body: Body;
  /** Path and query as they came, for links to other pages. */
  url: string;
}
export interface Answer {
  status: number;
  /** JSON, unless `type` says otherwise. */
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
}
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
interface Spec<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  /** GET needs `read`, everything else `write`, of each of these. None: any token will do. */
  scopes: readonly Category[];
  params?: Params;
  query?: Query;
  body?: Body;
  /** Bytes of a body; file contents need more than the rest. */
  bodyLimit?: number;
}
export interface Endpoint {
  method: Method;
  path: string;
  bodyLimit: number;
  answer: (forge: Forge, request: FastifyRequest) => Promise<Answer>;
}

/** Holds an issue of 10 MiB, each of whose letters is escaped. */
const BODY_LIMIT = 24 * 1024 * 1024;
export const FILES_LIMIT = 128 * 1024 * 1024;

export function endpoint<
  Params extends z.ZodType = z.ZodUnknown,
  Query extends z.ZodType = z.ZodUnknown,
  Body extends z.ZodType = z.ZodUnknown,
>(
  method: Method,
  path: string,
  spec: Spec<Params, Query, Body>,
  handle: (call: Call<z.output<Params>, z.output<Query>, z.output<Body>>) => Answer | Promise<Answer>,
): Endpoint {
  const level: Level = method === "GET" ? "read" : "write";
  const answer = async (forge: Forge, request: FastifyRequest) => {
    const caller = await callerOf(forge, request.headers.authorization);
    if (!caller) throw new Refusal(403, "Only signed in user is allowed to call APIs.");
    demandAble(forge, caller.user);
    demandScopes(caller, level, spec.scopes);
    const query = lastValues(request.query);
    const user = sudo(forge, caller, headerText(request, "sudo") ?? query["sudo"]);
    return handle({
      forge,
      user,
      caller,
      params: parse(spec.params, request.params, 404),
      query: parse(spec.query, query, 422),
      body: parse(spec.body, request.body ?? {}, 422),
      url: request.url,
    });
  };
  return { method, path, bodyLimit: spec.bodyLimit ?? BODY_LIMIT, answer };
}

/** A schema that is not given lets nothing through, so that no handler reads unchecked input. */
function parse<Schema extends z.ZodType>(schema: Schema | undefined, input: unknown, status: number): z.output<Schema> {
  const result = (schema ?? z.unknown().transform(() => undefined)).safeParse(input);
  if (result.success) return result.data as z.output<Schema>;
  if (status === 404) throw new Refusal(404, "The target couldn't be found.");
  const [issue] = result.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new Refusal(status, `[${field.charAt(0).toUpperCase()}${field.slice(1)}]: ${issue?.message ?? "invalid"}`);
}

/** Of a parameter that is given twice the last one counts. */
function lastValues(query: unknown): Record<string, string> {
  const entries = Object.entries(query as Record<string, string | string[]>);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? (value.at(-1) ?? "") : value]),
  );
}

const headerText = (request: FastifyRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.at(-1) : value;
};

/** Serves a table of endpoints; `app` is an encapsulated plugin whose errors are the API's. */
export function serveEndpoints(app: FastifyInstance, forge: Forge, endpoints: readonly Endpoint[]): void {
  app.setErrorHandler((error, request, reply) => answerError(forge, error, request, reply));
  app.setNotFoundHandler((_request, reply) => sendError(forge, reply, 404, "404 page not found"));
  for (const { method, path, bodyLimit, answer } of endpoints) {
    app.route({
      method,
      url: path,
      bodyLimit,
      handler: async (request, reply) => send(reply, await answer(forge, request)),
    });
  }
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  if (answer.body === undefined) return reply.send();
  if (answer.type !== undefined) return reply.type(answer.type).send(answer.body);
  return reply.type("application/json;charset=utf-8").send(JSON.stringify(answer.body));
}

function answerError(forge: Forge, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof Refusal) return sendError(forge, reply, error.status, error.message);
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status < 500 && error instanceof Error) return sendError(forge, reply, status, error.message);
  forge.log.error({ err: error, method: request.method, path: request.url.split("?")[0] }, "a request failed");
  return sendError(forge, reply, 500, "");
}

const sendError = (forge: Forge, reply: FastifyReply, status: number, message: string): FastifyReply =>
  send(reply, { status, body: { message, url: `${forge.url}/api/swagger` } });

export const ok = (body: unknown): Answer => ({ status: 200, body });
export const created = (body: unknown): Answer => ({ status: 201, body });
export const NO_CONTENT: Answer = { status: 204 };
