/** Whether a file carries the signature of the one key that is trusted. */
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createMessage, type PublicKey, readKeys, readSignature, verify } from "openpgp";

/** The key with that primary fingerprint (40 hexadecimal digits, lower case) among those of a text; undefined when there is none. */
export async function findKey(armored: string, fingerprint: string): Promise<PublicKey | undefined> {
  const keys = await readKeys({ armoredKeys: armored }).catch(() => []); // a page, or anything else, holds no key
  return keys.find((key) => key.getFingerprint() === fingerprint)?.toPublic();
}

/**
 * Reads a file once and checks its detached signature. A subkey may have made it; the key, and that subkey, must have been
 * valid at that time.
 * @returns why the signature is not good, as a part of a sentence; null when it is
 */
export async function whyNotSigned(path: string, armoredSignature: string, key: PublicKey): Promise<string | null> {
  const signature = await readSignature({ armoredSignature }).catch(() => undefined);
  if (!signature) return "what should be its signature is none";
  const binary = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  const message = await createMessage({ binary });
  const { data, signatures } = await verify({ message, signature, verificationKeys: key, format: "binary" });
  const checks = Promise.allSettled(signatures.map(({ verified }) => verified));
  await (data as ReadableStream<Uint8Array>).pipeTo(new WritableStream()); // the checks end when all of it was read
  const reasons: string[] = [];
  for (const check of await checks) {
    if (check.status === "fulfilled") return null;
    reasons.push(String((check.reason as Error).message));
  }
  return reasons.join("; ") || "it is not signed at all";
}
