/** One user's way to the forge: gitea-js with path parameters encoded, answers parsed, and failures typed. */
import { giteaApi } from "gitea-js";
import { z } from "zod";
import { describe } from "../../daemon/fault.ts";
import { ForgeAnswered, ForgeUnavailable } from "./errors.ts";

export type Api = ReturnType<typeof giteaApi<unknown>>;

/** What gitea-js resolves with, or throws: the fetch Response with what it made of its body. */
type GiteaAnswer = { status: number; data: unknown; error: unknown; headers: Headers };

export type Connection = {
  /** Calls, and parses what comes back. @throws ForgeUnavailable, or ForgeAnswered for every status but 2xx */
  call<Schema extends z.ZodType>(
    what: string,
    schema: Schema,
    ask: (api: Api) => Promise<unknown>,
  ): Promise<z.output<Schema>>;
  /** Calls for every page until there is no more. */
  list<Row extends z.ZodType>(
    what: string,
    row: Row,
    ask: (api: Api, page: { page: number; limit: number }) => Promise<unknown>,
  ): Promise<z.output<Row>[]>;
};

/** An answer that takes longer is none. */
const timeoutMs = 20_000;
/** Forgejo gives at most 50 unless it is told otherwise; an answer with fewer is the last one only if it says so. */
const pageLimit = 50;

/** @param authorization the whole header; a function, so that a rotated token is used at once */
export function connect(url: string, authorization: () => string): Connection {
  const api: Api = giteaApi(url, {
    customFetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("authorization", authorization());
      return fetch(input, { ...init, headers, redirect: "error", signal: AbortSignal.timeout(timeoutMs) });
    },
  });
  const request = async (what: string, ask: () => Promise<unknown>): Promise<GiteaAnswer> => {
    try {
      return (await ask()) as GiteaAnswer;
    } catch (error) {
      throw toError(what, error);
    }
  };
  const parse = <Schema extends z.ZodType>(what: string, schema: Schema, data: unknown): z.output<Schema> => {
    const parsed = schema.safeParse(data);
    if (parsed.success) return parsed.data;
    throw new ForgeUnavailable(`${what}: the forge answered what it should not: ${z.prettifyError(parsed.error)}`);
  };
  return {
    async call(what, schema, ask) {
      const { data } = await request(what, () => ask(api));
      return parse(what, schema, data);
    },
    async list(what, row, ask) {
      const rows: z.output<typeof row>[] = [];
      for (let page = 1; ; page += 1) {
        const { data, headers } = await request(what, () => ask(api, { page, limit: pageLimit }));
        const found = parse(what, z.array(row).nullable(), data) ?? [];
        rows.push(...found);
        const total = Number(headers.get("x-total-count") ?? rows.length);
        if (found.length === 0 || rows.length >= total) return rows;
      }
    },
  };
}

/** A path parameter: gitea-js puts it in as it is. */
export const part = (text: string): string => encodeURIComponent(text);

/** `owner/name`, as two path parameters. */
export function repoParts(repo: string): [owner: string, name: string] {
  const [owner = "", name = ""] = repo.split("/");
  return [part(owner), part(name)];
}

const Words = z.object({ message: z.string() });

/** gitea-js throws the Response itself; what fetch throws means that there was none. */
function toError(what: string, thrown: unknown): Error {
  if (thrown instanceof Error)
    return new ForgeUnavailable(`${what}: the forge does not answer (${describe(thrown)})`, { cause: thrown });
  const { status, error } = thrown as GiteaAnswer;
  const words = Words.safeParse(error);
  const text = words.success ? words.data.message : "";
  if (status >= 500 || status === 429 || status === 408)
    return new ForgeUnavailable(`${what}: the forge answered ${status}${text ? `: ${text}` : ""}`);
  return new ForgeAnswered(what, status, text);
}
