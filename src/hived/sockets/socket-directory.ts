/** A socket is as private as the directory that it lies in: that is made first, and checked at each start. */
import { lstatSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Refusal } from "../../contract/refusal.ts";

/**
 * Makes a socket's directory, for its owner alone, and removes a socket that a killed process left there.
 * @throws Refusal when the directory is somebody else's, or open to others: whoever can reach a socket is its caller
 */
export function prepareSocket(path: string): void {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(directory);
  const isOurs = uid === process.getuid?.() && (mode & 0o170077) === 0o040000;
  if (!isOurs) {
    throw new Refusal(
      "unsafe_socket_directory",
      `${directory} must be a directory that only its owner, the user who runs this, can enter (mode 0700).`,
      "Remove it, or make it so, and start again.",
    );
  }
  rmSync(path, { force: true });
}
