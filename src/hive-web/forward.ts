/** The rows of the route table that the dashboard may call: passed on to hived, which checks the session and decides. */
import type { Pool } from "undici";
import { z } from "zod";
import { Refusal } from "../contract/refusal.ts";
import { routes } from "../contract/routes.ts";
import type { Route } from "../contract/table.ts";
import { post } from "../rpc/client.ts";

/** Rows that have a way of their own: the cookie is set and cleared here, the hook is no call of a page. */
const ownWay: ReadonlySet<string> = new Set([
  "signIn",
  "signOut",
  "beginForgeSignIn",
  "finishForgeSignIn",
  "deliverWebhook",
  "postMcp",
]);

const rows: ReadonlyMap<string, Route> = new Map(
  Object.entries(routes).filter(([name, row]) => isForWeb(row) && !ownWay.has(name)),
);

function isForWeb(row: Route): boolean {
  return row.callers.includes("web") && !row.stream;
}

/**
 * Hived's answer, as text: it is not looked at on the way.
 * @throws Refusal `not_found` for what is no row of ours, `bad_request`, or as hived said it; Fault while hived is away.
 */
export async function forward(pool: Pool, name: string, body: unknown, session: string): Promise<string> {
  const row = rows.get(name);
  if (!row) throw new Refusal("not_found", `There is no call "${name}".`, "Reload the page: it may be an older one.");
  const parsed = row.request.safeParse(body);
  if (!parsed.success) throw new Refusal("bad_request", z.prettifyError(parsed.error), "Correct the request.");
  const answer = await post(pool, name, parsed.data, { session });
  return answer.body.text();
}
