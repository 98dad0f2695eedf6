import { renameSync, writeFileSync } from "node:fs";

/** Replaces a file that only its owner may read: whole and durable, or not at all, whoever reads it meanwhile. */
export function replaceFile(path: string, content: string): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
