/** Schemas of the pieces that many requests are made of. Go's JSON takes null for "not given", and so do we. */
import { z } from "zod";

/** Something that may be left out, or be null. */
export const maybe = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

export const text = maybe(z.string());
export const flag = maybe(z.boolean());
export const texts = maybe(z.array(z.string()));
/** A number in a body. */
export const count = maybe(z.int());

/** A number in a path; anything else is something that is not there. */
export const id = z.coerce.number().int().positive();

export const repoPath = z.object({ owner: z.string(), repo: z.string() });
export const issuePath = repoPath.extend({ index: id });
export const userPath = z.object({ username: z.string() });
export const orgPath = z.object({ org: z.string() });
export const teamPath = z.object({ id });
/** What stands behind a path's last fixed part, slashes included. */
export const restPath = repoPath.extend({ "*": z.string() });

const rfc3339 = z.iso.datetime({ offset: true }).transform((value) => Date.parse(value));

/** RFC 3339, to milliseconds since 1970. */
export const moment = maybe(rfc3339);

/** Of a query: left out, empty or anything that Go's ParseBool does not take is false. */
export const queryFlag = z
  .string()
  .optional()
  .transform((value) => ["1", "t", "T", "true", "TRUE", "True"].includes(value ?? ""));

/** Of a query: names with commas between them. */
export const queryList = z
  .string()
  .optional()
  .transform((value) => (value ?? "").split(",").filter((part) => part !== ""));

/** As `moment`, of a query; empty is left out. */
export const queryMoment = z
  .string()
  .optional()
  .transform((value) => value || undefined)
  .pipe(rfc3339.optional());

type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** Without the fields that were left out. */
export const given = <Fields extends object>(fields: Fields): Given<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
