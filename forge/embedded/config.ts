/** What the forge is told at its start. No secret is in it, only where one is to be written. */
import { z } from "zod";

export const ForgeConfig = z.object({
  /** Absolute. Holds forge.db, repos/ and git/; made when it is missing. */
  dataDir: z.string(),
  host: z.string().default("127.0.0.1"),
  /** 0: any free one. */
  port: z.int().min(0).max(65_535),
  /** The address that clients use; without it `http://host:port`. */
  url: z.url().optional(),
  /** Name of the site admin that the first start makes. */
  adminName: z.string(),
  /** Gets that admin's token, 0600; a file that was lost is written anew with a new token. */
  adminTokenFile: z.string(),
  /** N of scrypt (RFC 7914, section 2), a power of two, for every password of this data directory; tests take less. */
  passwordCost: z.int().min(2).default(16_384),
});
export type ForgeConfig = z.input<typeof ForgeConfig>;
