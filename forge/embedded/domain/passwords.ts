/** Passwords are kept as scrypt hashes: `scrypt$SALT$KEY`, both in hex. */
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Refusal } from "./refusal.ts";

const MIN_LENGTH = 8;
const KEY_BYTES = 32;

/** @throws Refusal 400 when the password is too short, in Forgejo's word for that */
export function checkPassword(password: string): void {
  if (password.length < MIN_LENGTH) throw new Refusal(400, "PasswordIsRequired");
}

/** @param cost N of scrypt */
export async function hashPassword(password: string, cost: number): Promise<string> {
  const salt = randomBytes(16);
  return `scrypt$${salt.toString("hex")}$${(await derive(password, salt, cost)).toString("hex")}`;
}

/** False too for a user without a password; takes as long as a wrong one, so that nothing is learned from the time. */
export async function isPassword(password: string, hash: string | null, cost: number): Promise<boolean> {
  const [, salt = "00", key = ""] = (hash ?? "").split("$");
  const derived = await derive(password, Buffer.from(salt, "hex"), cost);
  const wanted = Buffer.from(key, "hex");
  return wanted.length === KEY_BYTES && timingSafeEqual(derived, wanted);
}

function derive(password: string, salt: Buffer, cost: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  scrypt(password, salt, KEY_BYTES, { cost }, (error, key) => (error ? reject(error) : resolve(key)));
  return promise;
}
