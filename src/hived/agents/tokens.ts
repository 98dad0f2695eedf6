/** Forge users' tokens, one 0600 file each in hived's own directory; nothing else holds them. */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../daemon/replace-file.ts";

export type Tokens = {
  /** The user's token; undefined when there is none yet. */
  read(user: string): string | undefined;
  /** Replaces it; durable under its name or not there at all. */
  write(user: string, token: string): void;
  remove(user: string): void;
};

/** `user` is a forge user's name, which can hold no slash. */
export function openTokens(directory: string): Tokens {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const fileOf = (user: string) => join(directory, user);
  return {
    read(user) {
      try {
        return readFileSync(fileOf(user), "utf8").trim();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    write: (user, token) => replaceFile(fileOf(user), `${token}\n`),
    remove: (user) => rmSync(fileOf(user), { force: true }),
  };
}
