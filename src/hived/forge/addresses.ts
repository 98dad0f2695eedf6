/**
 * By its address a forge's user is known to be of this hive. Each hive has a domain of its own, drawn before it makes its
 * first user, so that two on one forge never take each other's for theirs.
 */
import { randomBytes } from "node:crypto";
import type { Tokens } from "../agents/tokens.ts";
import type { Core } from "../core.ts";
import { readMeta, writeMeta } from "../database/meta.ts";
import { bot } from "./plan.ts";

const memory = "address-domain";
/** RFC 2606 keeps it from ever being real. */
const root = "hive.invalid";

export const emailOf = ({ db }: Pick<Core, "db">, user: string): string =>
  `${user}@${db.read((reader) => readMeta(reader, memory)) ?? root}`;

/** Whether an address is that of another user of this hive than the one of this name. */
export const isAnothers = (core: Pick<Core, "db">, email: string, user: string): boolean =>
  email !== emailOf(core, user) && email.endsWith(emailOf(core, ""));

/** Whether an address is of some hive, this or another. */
export const isOfSomeHive = (email: string): boolean => /@([0-9a-f]+\.)?hive\.invalid$/.test(email);

/** Draws the domain, once. A hive that has a bot already was provisioned when all hives had the same. */
export async function drawDomain({ core, tokens }: { core: Core; tokens: Pick<Tokens, "read"> }): Promise<void> {
  const isOlder = tokens.read(bot) !== undefined;
  await core.db.write((tx) => {
    if (readMeta(tx, memory) !== undefined) return;
    writeMeta(tx, memory, isOlder ? root : `${randomBytes(4).toString("hex")}.${root}`);
  });
}
