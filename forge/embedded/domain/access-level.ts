/** How much somebody may do, and with which part of a repository. */
export const LEVELS = ["none", "read", "write", "admin", "owner"] as const;
export type AccessLevel = (typeof LEVELS)[number];

export const UNIT_NAMES = [
  "repo.code",
  "repo.issues",
  "repo.pulls",
  "repo.ext_issues",
  "repo.wiki",
  "repo.ext_wiki",
  "repo.projects",
  "repo.releases",
  "repo.packages",
  "repo.actions",
] as const;
/** Unit name to level. A unit that is not named is `none`. */
export type Units = Record<string, AccessLevel>;

export const isAtLeast = (has: AccessLevel, wants: AccessLevel): boolean =>
  LEVELS.indexOf(has) >= LEVELS.indexOf(wants);
export const higher = (one: AccessLevel, other: AccessLevel): AccessLevel => (isAtLeast(one, other) ? one : other);
