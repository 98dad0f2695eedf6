/** What several answers of the forge have in common; of each only the fields that we read. */
import { z } from "zod";
import type { EpochMs } from "../../../contract/names.ts";

/** A name for a path: gitea-js does not encode. @throws Error for one that would lead to another path all the same */
export function encode(name: string): string {
  if (name === "." || name === ".." || name === "") throw new Error(`"${name}" is no name of anything on a forge`);
  return encodeURIComponent(name);
}

/** A path keeps its slashes. */
export const encodePath = (path: string): string => path.split("/").map(encode).join("/");

/** A repository as "owner/name". */
export function at(repo: string): [owner: string, name: string] {
  const [owner = "", name = ""] = repo.split("/");
  return [encode(owner), encode(name)];
}

/** RFC 3339 in whole seconds, with any offset, to milliseconds since 1970. */
export const Moment = z.string().transform((text, context) => {
  const at = Date.parse(text);
  if (Number.isFinite(at)) return at as EpochMs;
  context.addIssue(`${text} is no time`);
  return z.NEVER;
});

/** As the forge reads times in a query: it compares nothing finer than a second. */
export const inSeconds = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

/** A user by name; one that was deleted is nobody. */
export const Login = z
  .object({ login: z.string() })
  .nullish()
  .transform((user) => user?.login ?? "");

export const Logins = z
  .array(Login)
  .nullish()
  .transform((users) => users ?? []);

export const Text = z
  .string()
  .nullish()
  .transform((text) => text ?? "");
