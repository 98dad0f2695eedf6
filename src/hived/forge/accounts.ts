/** Forge users that are ours, as pieces: what each should be, and have. */
import { randomBytes } from "node:crypto";
import { Refusal } from "../../contract/refusal.ts";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { emailOf, isAnothers } from "./addresses.ts";
import type { Forge, ForgeUser } from "./client.ts";
import { type Difference, difference, inTurn, type Piece } from "./difference.ts";
import { isRefused, isTokenRefused } from "./errors.ts";
import { type Account, operator, scopes } from "./plan.ts";
import { endOldTokens, hasPlannedScopes, mintToken } from "./user-tokens.ts";
import type { UserFlags } from "./verbs/people.ts";

export type AccountParts = {
  core: Core;
  forge: Forge;
  tokens: Tokens;
  /** hived's other secrets: the operator's first password, the webhook's */
  secrets: Tokens;
};

const operatorPassword = "operator-password";

/** Long enough for any rule, of characters that each of the usual rules asks for. */
const randomPassword = (): string => `${randomBytes(24).toString("base64url")}-aA1`;

/**
 * A user of ours with a token that works. Its password is set, used once, and forgotten.
 * Repairing throws Refusal `name_taken` when the name is somebody else's, `name_refused` when the forge has no such names.
 */
export const accountPiece = (parts: AccountParts, account: Account): Piece => ({
  look: () => lookAtAccount(parts, account),
});

async function lookAtAccount(parts: AccountParts, account: Account): Promise<Difference[]> {
  const { core, forge } = parts;
  const { name, isRestricted } = account;
  const email = emailOf(core, name);
  const admin = forge.as("hive-admin");
  const found = await admin.findUser(name);
  const what = `user ${name}`;
  if (found && found.email !== email) {
    const refuse = async () => {
      throw nameTaken(name);
    };
    return [difference(what, `the address ${email}`, `${found.email}: it is somebody else`, refuse)];
  }
  const token = await lookAtToken(parts, account, found !== null);
  if (!found) {
    const user = { name, isRestricted, email, password: randomPassword() };
    return [difference(what, "an account", null, () => createUser(parts, user)), ...token];
  }
  const wanted: UserFlags = { restricted: isRestricted, admin: false, active: true, prohibit_login: false };
  const wrong = (Object.keys(wanted) as (keyof UserFlags)[]).filter((flag) => wanted[flag] !== found.flags[flag]);
  const words = (flags: UserFlags) => wrong.map((flag) => `${flag}: ${flags[flag]}`).join(", ");
  if (wrong.length === 0) return token;
  // The flags first: a user that may not sign in can make no token.
  return [difference(what, words(wanted), words(found.flags), () => admin.setFlags(name, wanted)), ...token];
}

const nameTaken = (name: string) =>
  new Refusal(
    "name_taken",
    `The forge has a user ${name} that is not of this hive.`,
    "Choose another name, or rename that user on the forge.",
  );

async function lookAtToken(parts: AccountParts, account: Account, isThere: boolean): Promise<Difference[]> {
  const { name } = account;
  const mint = () => inTurn(name, () => renewToken(parts, account));
  const wanted = `the scopes ${account.scopes.join(", ")}`;
  if (!isThere || parts.tokens.read(name) === undefined) return [difference(`token of ${name}`, wanted, null, mint)];
  if (!hasPlannedScopes(parts, account)) return [difference(`token of ${name}`, wanted, "other scopes", mint)];
  if (await hasGoodToken(parts, name)) return [];
  return [difference(`token of ${name}`, wanted, "one that the forge refuses", mint)];
}

/** A user that is to change its password, or is shut out, is refused whatever its token. */
async function hasGoodToken({ forge }: AccountParts, name: ForgeUser): Promise<boolean> {
  try {
    return await forge.as(name).hasGoodToken(name);
  } catch (error) {
    if (!isRefused(error, 403)) throw error;
    return false;
  }
}

async function renewToken(parts: AccountParts, account: Account): Promise<void> {
  await mintToken(parts, await freshPassword(parts, account.name), account);
}

/**
 * A password for a moment: the next one ends it, and nobody writes it down. Not for the operator. With one alone can a user's
 * tokens be made, listed and ended.
 */
export async function freshPassword({ forge }: Pick<AccountParts, "forge">, user: string): Promise<string> {
  const password = randomPassword();
  await forge.as("hive-admin").setPassword(user, password);
  return password;
}

/** Whether the forge has a user of this name, and it is of this hive. */
export async function isOurs({ core, forge }: Pick<AccountParts, "core" | "forge">, name: ForgeUser): Promise<boolean> {
  return (await forge.as("hive-admin").findUser(name))?.email === emailOf(core, name);
}

/** Gives a user of ours a new token although it has a good one. @throws Refusal `name_taken` for a user that is not */
export async function rotateToken(parts: AccountParts, account: Account): Promise<void> {
  if (!(await isOurs(parts, account.name))) throw nameTaken(account.name);
  await inTurn(account.name, () => renewToken(parts, account));
}

/** Ends what a newer token of a user of ours has replaced; the operator's only while its first password is good. */
export function retireTokensOf(parts: AccountParts, user: ForgeUser): Promise<void> {
  return inTurn(user, async () => {
    try {
      const password = user === operator ? firstPassword(parts) : await freshPassword(parts, user);
      if (password !== undefined) await endOldTokens(parts, user, password);
    } catch (error) {
      // The user is gone, and its tokens with it; or only the operator knows the password, and sees the tokens there.
      if (!isRefused(error, 404) && !(user === operator && isTokenRefused(error))) throw error;
    }
  });
}

async function createUser(
  { forge }: AccountParts,
  user: { name: string; email: string; password: string; isRestricted: boolean },
): Promise<void> {
  try {
    await forge.as("hive-admin").createUser(user);
  } catch (error) {
    if (!isRefused(error, 400, 409, 422)) throw error;
    throw new Refusal(
      "name_refused",
      `The forge makes no user ${user.name}: ${error.message}.`,
      "Choose another name.",
    );
  }
}

/**
 * The operator's user, made with a first password that is kept in a file of the operator's; of one that was there before
 * the hive, or that has changed its password since, neither password nor tokens are touched.
 */
export const operatorPiece = (parts: AccountParts): Piece => ({
  async look() {
    const { forge, tokens, secrets } = parts;
    const account: Difference[] = [];
    const found = await forge.as("hive-admin").findUser(operator);
    const makeUser = async () => {
      const password = secrets.read(operatorPassword) ?? randomPassword();
      secrets.write(operatorPassword, password); // first: a crash between the two leaves a password that opens nothing
      await createUser(parts, { name: operator, email: emailOf(parts.core, operator), password, isRestricted: false });
    };
    if (!found) account.push(difference(`user ${operator}`, "an account", null, makeUser));
    else if (isAnothers(parts.core, found.email, operator))
      return [difference(`user ${operator}`, "a person's account", found.email, () => requireOperator(parts))];
    const isKnown = tokens.read(operator) !== undefined;
    if (found && isKnown && (await hasGoodToken(parts, operator))) return account;
    const wanted = `the scopes ${scopes.operator.join(", ")}`;
    const refused = isKnown ? "one that the forge refuses" : null;
    return [...account, difference(`token of ${operator}`, wanted, refused, () => rotateOperatorToken(parts))];
  },
});

/**
 * Whoever is called operator on the forge is to be one: not another user of ours who was given that name, and would get all
 * that is the operator's with it.
 * @throws Refusal `name_taken`
 */
export async function requireOperator({ core, forge }: Pick<AccountParts, "core" | "forge">): Promise<void> {
  const found = await forge.as("hive-admin").findUser(operator);
  if (found && isAnothers(core, found.email, operator)) throw nameTaken(operator);
}

/** @returns what the operator has to do when the password is not known here; undefined when there is a new token */
export function rotateOperatorToken(parts: AccountParts): Promise<string | undefined> {
  return inTurn(operator, async () => {
    const password = parts.secrets.read(operatorPassword);
    if (password === undefined) return tokenWanted;
    try {
      await mintToken(parts, password, { name: operator, isRestricted: false, scopes: scopes.operator });
      return undefined;
    } catch (error) {
      if (!isTokenRefused(error)) throw error;
      return tokenWanted;
    }
  });
}

const tokenWanted = `The forge's user ${operator} has a password that only you know, so its token must come from you: make one on the forge (Settings, Applications) with the scopes ${scopes.operator.join(", ")}, and put it into secrets/tokens/${operator} of hived's directory.`;

/** The operator's first password, as long as it is kept here: then it is ours to show the way to. */
export const firstPassword = ({ secrets }: Pick<AccountParts, "secrets">): string | undefined =>
  secrets.read(operatorPassword);
