/** Forge users that are ours, and their tokens. */
import { randomBytes } from "node:crypto";
import { Refusal } from "../../contract/refusal.ts";
import type { Tokens } from "../agents/tokens.ts";
import type { Forge, ForgeUser } from "./client.ts";
import { isRefused, isTokenRefused } from "./errors.ts";
import { bot, emailOf, operator, scopes } from "./plan.ts";

export type AccountParts = {
  forge: Forge;
  tokens: Tokens;
  /** hived's other secrets: the operator's first password, the webhook's */
  secrets: Tokens;
};

const operatorPassword = "operator-password";

/** Long enough for any rule, of characters that each of the usual rules asks for. */
const randomPassword = (): string => `${randomBytes(24).toString("base64url")}-aA1`;

export const provisionBot = (parts: AccountParts): Promise<void> =>
  provisionAccount(parts, { name: bot, isRestricted: false, scopes: scopes.bot });

/**
 * A user of ours with a token that works; found done when both are there. Its password is set, used once, and forgotten.
 * @throws Refusal `name_taken` when the name is somebody else's, `name_refused` when the forge has no such names.
 */
export function provisionAccount(parts: AccountParts, account: Account): Promise<void> {
  const before = inTurn.get(account.name) ?? Promise.resolve();
  const done = before.catch(() => undefined).then(() => ensureAccount(parts, account));
  inTurn.set(account.name, done);
  return done.finally(() => {
    if (inTurn.get(account.name) === done) inTurn.delete(account.name);
  });
}

type Account = { name: ForgeUser; isRestricted: boolean; scopes: readonly string[] };

/** Two that mint for one user at once could end each other's token. */
const inTurn = new Map<string, Promise<void>>();

async function ensureAccount(parts: AccountParts, account: Account): Promise<void> {
  const { forge, tokens } = parts;
  const { name } = account;
  const admin = forge.as("hive-admin");
  const found = await admin.findUser(name);
  if (found && found.email !== emailOf(name)) {
    const next = "Choose another name, or rename that user on the forge.";
    throw new Refusal("name_taken", `The forge has a user ${name} that is not of this hive.`, next);
  }
  if (!found) await createUser(parts, { ...account, email: emailOf(name), password: randomPassword() });
  if (found && tokens.read(name) && (await forge.as(name).hasGoodToken())) return;
  const password = randomPassword();
  await admin.setPassword(name, password);
  await mintToken(parts, name, password, account.scopes);
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

const tokenName = /^hive-(\d+)$/;

/** A new token, and after it is stored the end of the old ones: a crash in between leaves one too many, never none. */
async function mintToken(
  { forge, tokens }: AccountParts,
  user: string,
  password: string,
  scopes: readonly string[],
): Promise<void> {
  const as = forge.withPassword(user, password);
  const old = (await as.listTokens()).filter(({ name }) => tokenName.test(name));
  const last = Math.max(0, ...old.map(({ name }) => Number(tokenName.exec(name)?.[1])));
  tokens.write(user, await as.createToken(`hive-${last + 1}`, [...scopes]));
  for (const { id } of old) await as.deleteToken(id);
}

/**
 * The operator's user, made with a first password that is kept in a file of the operator's; of one that was there before
 * the hive, or that has changed its password since, neither password nor tokens are touched.
 * @returns what the operator has to do about a missing token; null when there is nothing
 */
export async function provisionOperator(parts: AccountParts): Promise<string | null> {
  const { forge, tokens, secrets } = parts;
  const admin = forge.as("hive-admin");
  if (!(await admin.findUser(operator))) {
    const password = secrets.read(operatorPassword) ?? randomPassword();
    secrets.write(operatorPassword, password); // first: a crash between the two leaves a password that opens nothing
    await createUser(parts, { name: operator, email: emailOf(operator), password, isRestricted: false });
  }
  if (tokens.read(operator) && (await forge.as("operator").hasGoodToken())) return null;
  const password = secrets.read(operatorPassword);
  if (password === undefined) return tokenWanted;
  try {
    await mintToken(parts, operator, password, scopes.operator);
    return null;
  } catch (error) {
    if (!isTokenRefused(error)) throw error;
    return tokenWanted;
  }
}

const tokenWanted = `The forge's user ${operator} has a password that only you know, so its token must come from you: make one on the forge (Settings, Applications) with the scopes ${scopes.operator.join(", ")}, and put it into secrets/tokens/${operator} of hived's directory.`;

/** Whether the operator's first password is known here: then it is ours to show the way to. */
export const hasFirstPassword = ({ secrets }: Pick<AccountParts, "secrets">): boolean =>
  secrets.read(operatorPassword) !== undefined;
