/**
 * One user's calls of the forge. gitea-js makes the requests; what it throws (the Response itself) becomes one of our two
 * errors, what it answers is parsed, and nothing waits longer than its time.
 */
import { giteaApi, type HttpResponse } from "gitea-js";
import { z } from "zod";
import { ForgeRefusal, ForgeUnavailable } from "./errors.ts";

export type Api = ReturnType<typeof giteaApi>;
export type Answer = HttpResponse<unknown>;
type Page = { page: number; limit: number };

export type Connection = {
  /** The answer of a call, parsed. @throws ForgeUnavailable, ForgeRefusal */
  ask<Schema extends z.ZodType>(schema: Schema, call: (api: Api) => Promise<Answer>): Promise<z.output<Schema>>;
  /** The same; null when there is no such thing, or nothing that this user may see. */
  find<Schema extends z.ZodType>(schema: Schema, call: (api: Api) => Promise<Answer>): Promise<z.output<Schema> | null>;
  /** The rows of a list, one page of at most 50 after the other, with how many the forge says that there are in all. */
  pages<Schema extends z.ZodType>(
    row: Schema,
    call: (api: Api, page: Page) => Promise<Answer>,
  ): AsyncGenerator<{ rows: z.output<Schema>[]; total: number | null }>;
  /** All rows of a list. */
  list<Schema extends z.ZodType>(
    row: Schema,
    call: (api: Api, page: Page) => Promise<Answer>,
  ): Promise<z.output<Schema>[]>;
  /** How many rows a list has in all, as the forge says beside any page; null when there is no such list. */
  count(call: (api: Api) => Promise<Answer>): Promise<number | null>;
  /** A call whose answer says nothing but that it went well. */
  tell(call: (api: Api) => Promise<Answer>): Promise<void>;
};

export type ConnectionOptions = {
  /** of the forge, without a slash at its end */
  url: string;
  /** whose calls these are, for sentences */
  user: string;
  /** the header's value; asked for at each call, as a token may be replaced meanwhile */
  authorization(): string;
  /** told after each call whether the forge was silent, with the reason as a sentence */
  onSilence(problem: string | null): void;
  signal: AbortSignal;
};

/** A merge takes Forgejo 7.0 over a second on an idle machine. */
const readWithinMs = 10_000;
const changeWithinMs = 30_000;
/** Forgejo's default for the most that it answers; a longer limit is cut silently. */
const pageSize = 50;
const mostPages = 1000;

export function openConnection(options: ConnectionOptions): Connection {
  const { url } = options;
  const api = giteaApi(url, { customFetch: fetchAs(options) });
  const ask: Connection["ask"] = async (schema, call) => parse(url, schema, await settle(options, call(api)));
  const orAbsent = async <Found>(found: Promise<Found>): Promise<Found | null> => {
    try {
      return await found;
    } catch (error) {
      // 7.0 answers 400 where later versions answer 404: "sha not found", "object does not exist"
      const isAbsent =
        error instanceof ForgeRefusal &&
        (error.status === 404 || (error.status === 400 && /not found|does not exist/.test(error.message)));
      if (!isAbsent) throw error;
      return null;
    }
  };
  const pages: Connection["pages"] = async function* (row, call) {
    let count = 0;
    for (let page = 1; page <= mostPages; page += 1) {
      const answer = await settle(options, call(api, { page, limit: pageSize }));
      const rows = parse(url, z.array(row).nullable(), answer) ?? [];
      const total = totalOf(answer);
      yield { rows, total };
      count += rows.length;
      // by the total where the forge says one: its own limit may be lower than the one asked for
      if (rows.length === 0 || (total === null ? rows.length < pageSize : count >= total)) return;
    }
    throw new ForgeUnavailable(`The forge at ${url} answers a list without an end.`);
  };
  return {
    ask,
    pages,
    find: (schema, call) => orAbsent(ask(schema, call)),
    async count(call) {
      const answer = await orAbsent(settle(options, call(api)));
      const total = answer && totalOf(answer);
      if (answer && total === null) throw new ForgeUnavailable(`The forge at ${url} does not say how long a list is.`);
      return total;
    },
    async list(row, call) {
      const all: z.output<typeof row>[] = [];
      for await (const { rows } of pages(row, call)) all.push(...rows);
      return all;
    },
    async tell(call) {
      await settle(options, call(api));
    },
  };
}

function totalOf(answer: Answer): number | null {
  const total = answer.headers.get("x-total-count");
  return total === null ? null : Number(total);
}

/** A redirect is not followed: the token is for this forge alone. */
function fetchAs(options: ConnectionOptions): typeof fetch {
  const { authorization, signal } = options;
  return async (input, init) => {
    const withinMs = (init?.method ?? "GET") === "GET" ? readWithinMs : changeWithinMs;
    // gitea-js leaves the type out of some calls, and Forgejo then reads no body
    const type: Record<string, string> = init?.body ? { "Content-Type": "application/json" } : {};
    const headers = { ...type, ...(init?.headers as Record<string, string>), authorization: authorization() };
    const within = AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
    try {
      return await fetch(input, { ...init, headers, redirect: "manual", signal: within });
    } catch (error) {
      throw silence(options, error);
    }
  };
}

/** Waits for an answer of gitea-js, which throws the Response itself when its status is none of success. */
async function settle(options: ConnectionOptions, sent: Promise<Answer>): Promise<Answer> {
  const answer = await sent.catch((thrown: unknown) => {
    if (thrown instanceof Response) return thrown as Answer;
    throw thrown;
  });
  if (answer.error instanceof Error && !(answer.error instanceof SyntaxError)) throw silence(options, answer.error);
  if (answer.status === 429 || answer.status >= 500)
    throw silence(options, new Error(`it answered ${answer.status}${saidBy(answer)}`));
  options.onSilence(null);
  if (answer.ok) return answer;
  if (answer.status === 401) {
    // Reconciliation comes upon the bot's or an agent's, and has it made anew.
    const next = "A new one is made within minutes; the site admin's, and mostly the operator's, you have to replace.";
    throw new ForgeUnavailable(`The forge refuses the token of ${options.user}. ${next}`, { isTokenRefused: true });
  }
  throw new ForgeRefusal(answer.status, saidBy(answer).slice(2) || `status ${answer.status} without a reason`);
}

function silence({ url, onSilence, signal }: ConnectionOptions, cause: unknown): ForgeUnavailable {
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause : cause).message : String(cause);
  const problem = `The forge at ${url} does not answer as it should: ${reason}.`;
  if (!signal.aborted) onSilence(problem);
  return new ForgeUnavailable(problem, { cause });
}

const ErrorBody = z.object({ message: z.string().nullish(), errors: z.array(z.string()).nullish() });

/** Forgejo's own words behind a colon, or nothing; with `errors` where `message` is the same for everything. */
function saidBy(answer: Answer): string {
  const body = ErrorBody.safeParse(answer.error);
  if (!body.success) return "";
  const words = [body.data.message, ...(body.data.errors ?? [])].filter((text) => text);
  return words.length > 0 ? `: ${words.join("; ")}` : "";
}

/** What does not have the shape of the API comes from something else at that address, or from a forge gone wrong. */
function parse<Schema extends z.ZodType>(url: string, schema: Schema, answer: Answer): z.output<Schema> {
  const parsed = schema.safeParse(answer.data);
  if (parsed.success) return parsed.data;
  const cause = new Error(z.prettifyError(parsed.error));
  throw new ForgeUnavailable(`The forge at ${url} answers something that is not its API.`, { cause });
}
