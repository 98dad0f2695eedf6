/** What a token may be used for. `write:` includes `read:`, `all` includes everything; `sudo` is accepted and means nothing. */
import { Refusal } from "./refusal.ts";

const CATEGORIES = [
  "activitypub",
  "admin",
  "misc",
  "notification",
  "organization",
  "package",
  "issue",
  "repository",
  "user",
] as const;
export type Category = (typeof CATEGORIES)[number];
export type Level = "read" | "write";

const KNOWN = new Set<string>([
  "all",
  "public-only",
  "sudo",
  ...CATEGORIES.flatMap((category) => [`read:${category}`, `write:${category}`]),
]);

export const isScope = (text: string): boolean => KNOWN.has(text);

/** @throws Refusal 400 for no scopes or an unknown one */
export function checkScopes(scopes: readonly string[]): void {
  if (scopes.length === 0) throw new Refusal(400, "access token must have a scope");
  const unknown = scopes.find((scope) => !isScope(scope));
  if (unknown !== undefined) throw new Refusal(400, `invalid access token scope provided: ${unknown.slice(0, 100)}`);
}

export function hasScope(scopes: readonly string[], level: Level, category: Category): boolean {
  if (scopes.includes("all") || scopes.includes(`write:${category}`)) return true;
  return level === "read" && scopes.includes(`read:${category}`);
}

/** The form in which Forgejo lists them: what is included in another one is left out. */
export function normalScopes(scopes: readonly string[]): string[] {
  if (scopes.includes("all") || CATEGORIES.every((category) => scopes.includes(`write:${category}`))) return ["all"];
  const kept = scopes.filter(
    (scope) => scope !== "sudo" && !(scope.startsWith("read:") && scopes.includes(scope.replace("read:", "write:"))),
  );
  return [...new Set(kept)].sort();
}
