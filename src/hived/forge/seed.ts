/** First content of a repository: its first commit, made once and never looked at again. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Forge } from "./client.ts";
import { difference, type Piece } from "./difference.ts";
import { isRefused } from "./errors.ts";
import type { Seed } from "./plan.ts";

/** @param program the directory that holds our package.json */
export const seedPiece = (forge: Forge, program: string, { repo, directory, forms, made = [] }: Seed): Piece => ({
  isShownLater: true,
  async look() {
    if (await forge.as("hive-admin").readBranch(repo, "main")) return [];
    const seed = async () => {
      const files = [
        ...filesOf(join(program, directory)),
        ...forms.map(({ from, to }) => ({ path: to, content: readFileSync(join(program, from)) })),
        ...made.map(({ to, text }) => ({ path: to, content: Buffer.from(text()) })),
      ];
      try {
        await forge.as("hive-bot").commitFiles(repo, { branch: "main", message: "First content", files });
      } catch (error) {
        // The forge may know of the first commit a little later than it made it; then the files are there already.
        if (!isRefused(error, 422) || !/already exists/.test(error.message)) throw error;
      }
    };
    return [difference(`first content of ${repo}`, `what is in ${directory}`, null, seed)];
  },
});

function filesOf(directory: string): { path: string; content: Buffer }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(directory, path).split(sep).join("/"), content: readFileSync(path) }));
}
