/** Secrets that we hand out: 256 random bits each, of which only the hash is kept. */
import { createHash, randomBytes } from "node:crypto";

export const newSecret = (): string => randomBytes(32).toString("base64url");

/** A plain hash is enough: nobody guesses 256 bits, and looking a hash up tells nothing about the secret by its time. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex");
