/**
 * How a user's token is replaced: a new one is made and stored, and the old ones end in a work item of their own, once
 * nobody can be using them any more. Forgejo asks for the user's password at each of these steps.
 */
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import type { Transaction } from "../database/write.ts";
import type { Forge } from "./client.ts";
import { isRefused } from "./errors.ts";
import type { Account } from "./plan.ts";

type Parts = { core: Core; forge: Forge; tokens: Tokens };

const ourName = /^hive-(\d+)$/;

/**
 * The forge does not tell a token's scopes to the token (7.0 demands the password), so what it was made with is remembered,
 * beside the end of the token that it was: another one in the file is none of ours.
 */
const memory = (token: string, { scopes }: Pick<Account, "scopes">) => `${lastEight(token)} ${[...scopes].sort()}`;
const memoryKey = (user: string) => `token:${user}`;
const lastEight = (token: string) => token.slice(-8);

export function hasPlannedScopes({ core, tokens }: Parts, account: Account): boolean {
  const token = tokens.read(account.name) ?? "";
  return core.db.read((reader) => readMeta(reader, memoryKey(account.name))) === memory(token, account);
}

/**
 * A new token, stored. The end of the old ones is asked for first, so that a crash in between leaves none for ever, and once
 * more when the new one is there to be given to whoever runs.
 * To be called in the turn of the user.
 */
export async function mintToken({ core, forge, tokens }: Parts, password: string, account: Account): Promise<void> {
  const { name: user, scopes } = account;
  const as = forge.withPassword(user, password);
  const old = (await as.listTokens()).flatMap(({ name }) => ourName.exec(name)?.[1] ?? []);
  const retireOld = (tx: Transaction) => {
    if (old.length > 0) core.scheduler.enqueue(tx, "retire-tokens", user);
  };
  await core.db.write(retireOld);
  const last = Math.max(0, ...old.map(Number));
  const token = await as.createToken(`hive-${last + 1}`, [...scopes]);
  tokens.write(user, token);
  await core.db.write((tx) => {
    writeMeta(tx, memoryKey(user), memory(token, account));
    retireOld(tx);
  });
}

/** Ends all tokens of ours that a user has but the one in use; when that one is unknown to the forge, none. */
export async function endOldTokens({ forge, tokens }: Parts, user: string, password: string): Promise<void> {
  const current = lastEight(tokens.read(user) ?? "");
  const as = forge.withPassword(user, password);
  const all = await as.listTokens();
  if (!all.some((token) => token.lastEight === current)) return;
  for (const { id, name, lastEight: end } of all) {
    if (!ourName.test(name) || end === current) continue;
    await as.deleteToken(id).catch((error: unknown) => {
      if (!isRefused(error, 404)) throw error;
    });
  }
}

/** When this token of a user reached all who use it, in milliseconds since 1970; null when it has not yet. */
export function deliveredAt({ core, tokens }: Pick<Parts, "core" | "tokens">, user: string): number | null {
  const noted = core.db.read((reader) => readMeta(reader, `token-delivered:${user}`))?.split(" ");
  return noted?.[0] === lastEight(tokens.read(user) ?? "") ? Number(noted[1]) : null;
}

export function noteDelivered(core: Core, user: string, token: string): Promise<void> {
  const noted = `${lastEight(token)} ${core.clock.now()}`;
  return core.db.write((tx) => writeMeta(tx, `token-delivered:${user}`, noted));
}
