/** The API of a forge as its site admin calls it, in its own name or, by `Sudo`, in somebody else's. */
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { describe } from "../../daemon/fault.ts";

/** The forge understood a call and said no. */
export class Declined extends Fault {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "Declined";
    this.status = status;
  }
}

/** `as`: who acts; the admin when nobody is named. A path begins behind /api/v1. */
type Call = { as?: string | undefined; body?: unknown };

export type Api = {
  url: string;
  token: string;
  /** @throws Declined; Fault when the answer has another shape, or there is none */
  ask<Schema extends z.ZodType>(schema: Schema, method: string, path: string, call?: Call): Promise<z.output<Schema>>;
  /** A call whose answer says nothing but that it went well. */
  tell(method: string, path: string, call?: Call): Promise<void>;
  /** All rows of a list; none when the forge says null. */
  list<Schema extends z.ZodType>(row: Schema, path: string): Promise<z.output<Schema>[]>;
};

const pageSize = 50;
const answerWithinMs = 60_000;

/** @param signal cuts every call short */
export function openApi(url: string, token: string, signal: AbortSignal): Api {
  const send = async (method: string, path: string, { as, body }: Call = {}): Promise<Response> => {
    const headers = {
      authorization: `token ${token}`,
      "content-type": "application/json",
      ...(as === undefined ? {} : { sudo: as }),
    };
    const within = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    const answer = await fetch(`${url}${path.startsWith("/api/") ? "" : "/api/v1"}${path}`, {
      method,
      headers,
      redirect: "error",
      signal: within,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Fault(`The forge does not answer ${method} ${path}: ${describe(cause)}.`, { cause });
    });
    if (answer.ok) return answer;
    const text = await answer.text();
    const said = Message.safeParse(jsonOf(text)).data?.message ?? text.slice(0, 300);
    throw new Declined(answer.status, `The forge answered ${answer.status} to ${method} ${path}: ${said}`);
  };
  return {
    url,
    token,
    ask: async (schema, method, path, call) => parse(schema, path, await (await send(method, path, call)).json()),
    async tell(method, path, call) {
      await (await send(method, path, call)).arrayBuffer();
    },
    async list(row, path) {
      const all: z.output<typeof row>[] = [];
      for (let page = 1; ; page += 1) {
        const answer = await send("GET", `${path}${path.includes("?") ? "&" : "?"}page=${page}&limit=${pageSize}`);
        const rows = parse(z.array(row).nullable(), path, await answer.json()) ?? [];
        all.push(...rows);
        const total = answer.headers.get("x-total-count");
        // Lists without a total are told whole at once.
        if (rows.length === 0 || total === null || all.length >= Number(total)) return all;
      }
    },
  };
}

const Message = z.object({ message: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, path: string, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new Fault(`The forge answers ${path} in a shape that is not known: ${z.prettifyError(parsed.error)}`);
}

/** Does something as somebody; when the forge does not let that one, as the admin, which is told by `false`. */
export async function asOrAdmin(
  as: string | null,
  deed: (as: string | undefined) => Promise<unknown>,
): Promise<boolean> {
  try {
    await deed(as ?? undefined);
    return as !== null;
  } catch (error) {
    if (!(error instanceof Declined) || as === null) throw error;
    await deed(undefined);
    return false;
  }
}
