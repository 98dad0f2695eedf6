/**
 * The one way to the forge. Every verb is one call, or a few that belong together; each throws ForgeUnavailable when the
 * forge is silent, and ForgeRefusal when it says no, unless the verb says otherwise. Repositories are "owner/name".
 */
import { readFileSync } from "node:fs";
import type { AgentName } from "../../contract/names.ts";
import type { Tokens } from "../agents/tokens.ts";
import { openConnection } from "./connection.ts";
import { ForgeUnavailable } from "./errors.ts";
import type { bot, operator } from "./plan.ts";
import { applicationVerbs } from "./verbs/applications.ts";
import { contentVerbs } from "./verbs/contents.ts";
import { issueVerbs } from "./verbs/issues.ts";
import { layoutVerbs } from "./verbs/layout.ts";
import { peopleVerbs, tokenVerbs } from "./verbs/people.ts";
import { pullVerbs } from "./verbs/pulls.ts";
import { statusVerbs } from "./verbs/statuses.ts";

export type { TreeEntry } from "./verbs/contents.ts";
export type { Comment, Issue } from "./verbs/issues.ts";
export type { GivenReview, Pull, Review, ReviewComment, TimelineEntry } from "./verbs/pulls.ts";

/** The site admin provisions and nothing else; the bot does the coordinator's work; the others are themselves. */
export type ForgeUser = "hive-admin" | typeof bot | typeof operator | AgentName;

type Options = {
  /** without a slash at its end */
  url: string;
  tokens: Pick<Tokens, "read">;
  /** 0600; the site admin's token is kept by whoever runs the forge */
  adminTokenFile: string;
  /** told after each call: a sentence while the forge is silent, null once it answers */
  onSilence?(problem: string | null): void;
  /** cuts every call short */
  signal: AbortSignal;
};

export type ForgeVerbs = ReturnType<typeof contentVerbs> &
  ReturnType<typeof pullVerbs> &
  ReturnType<typeof issueVerbs> &
  ReturnType<typeof statusVerbs> &
  ReturnType<typeof peopleVerbs> &
  ReturnType<typeof layoutVerbs> &
  ReturnType<typeof applicationVerbs>;

export type Forge = {
  url: string;
  as(user: ForgeUser): ForgeVerbs;
  withPassword(user: string, password: string): ReturnType<typeof tokenVerbs>;
};

export function openForge({ url, tokens, adminTokenFile, onSilence = () => undefined, signal }: Options): Forge {
  const common = { url, onSilence, signal };
  const opened = new Map<string, ForgeVerbs>();
  const open = (user: ForgeUser): ForgeVerbs => {
    const token = () => (user === "hive-admin" ? readAdminToken(adminTokenFile) : tokens.read(user));
    const authorization = () => `token ${token() ?? missing(user)}`;
    const connection = openConnection({ ...common, user, authorization });
    return {
      ...contentVerbs(connection),
      ...pullVerbs(connection),
      ...issueVerbs(connection),
      ...statusVerbs(connection),
      ...peopleVerbs(connection),
      ...layoutVerbs(connection),
      ...applicationVerbs(connection),
    };
  };
  return {
    url,
    as(user) {
      const verbs = opened.get(user) ?? open(user);
      opened.set(user, verbs);
      return verbs;
    },
    withPassword(user, password) {
      const authorization = () => `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      return tokenVerbs(openConnection({ ...common, user, authorization }), user);
    },
  };
}

function readAdminToken(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ForgeUnavailable(`The forge's admin token can't be read from ${file}.`, { cause });
  }
}

function missing(user: string): never {
  throw new ForgeUnavailable(`There is no forge token of ${user} yet: it is made when the forge is provisioned.`, {
    isTokenRefused: true,
  });
}
