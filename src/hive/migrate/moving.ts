/** What whoever moves something between the two forges is given. */
import type { Api } from "./api.ts";
import type { Mirror } from "./git.ts";
import type { Passwords } from "./people.ts";
import type { Repository } from "./source.ts";

export type Move = {
  from: Api;
  to: Api;
  passwords: Passwords;
  /** for clones; gone after the migration */
  scratch: string;
  /** told what could not be moved as it was, as a sentence */
  note(sentence: string): void;
};

/** A repository on its way; `path` is its path in the API, `labels` the new ids by name. */
export type Moving = Move & { repo: Repository; path: string; mirror: Mirror; labels: ReadonlyMap<string, number> };
