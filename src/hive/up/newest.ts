import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** When the newest file among these files and directories was changed, in milliseconds since 1970; 0 when there is none. */
export function newestOf(paths: readonly string[]): number {
  return Math.max(0, ...paths.filter((path) => existsSync(path)).flatMap(changesIn));
}

function changesIn(path: string): number[] {
  const found = statSync(path);
  if (!found.isDirectory()) return [found.mtimeMs];
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs);
}
