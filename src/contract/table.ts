/** How the tables of calls are written: a name, who may call it, what goes in and what comes out. */
import type { z } from "zod";

/** Header in which the session of a signed-in operator comes with a call of hive-web. */
export const sessionHeader = "x-hive-session";

/** The sockets of hived and of the supervisor; a socket serves only the rows of its caller. */
export type Caller = "admin" | "web" | "up";

export type Route = {
  callers: readonly Caller[];
  /** the row needs a signed-in operator: hived checks the session that comes with the call */
  signedIn?: true;
  /** the row answers with server-sent events, each of the shape of `response` */
  stream?: true;
  request: z.ZodType;
  response: z.ZodType;
};

export type RouteTable = Record<string, Route>;

/** Keeps the exact types of a table while checking its shape. */
export const table = <const Table extends RouteTable>(rows: Table): Table => rows;

/** What goes in and what comes out, as inside the program. */
export type RequestOf<Row extends Pick<Route, "request">> = z.output<Row["request"]>;
export type ResponseOf<Row extends Pick<Route, "response">> = z.output<Row["response"]>;
