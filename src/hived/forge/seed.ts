/** First content of a repository: its first commit, made once and never looked at again. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Forge } from "./client.ts";
import { isRefused } from "./errors.ts";
import { seeds } from "./plan.ts";

/** @param program the directory that holds our package.json */
export async function seedRepositories(forge: Forge, program: string, say: (sentence: string) => void): Promise<void> {
  const bot = forge.as("hive-bot");
  const seeding = seeds.map(async ({ repo, directory, forms }) => {
    if (await bot.readBranch(repo, "main")) return;
    say(`Seeding ${repo}.`);
    const files = [
      ...filesOf(join(program, directory)),
      ...forms.map(({ from, to }) => ({ path: to, content: readFileSync(join(program, from)) })),
    ];
    try {
      await bot.commitFiles(repo, { branch: "main", message: "First content", files });
    } catch (error) {
      // The forge may know of the first commit a little later than it made it; then the files are there already.
      if (!isRefused(error, 422) || !/already exists/.test(error.message)) throw error;
    }
  });
  await Promise.all(seeding);
}

function filesOf(directory: string): { path: string; content: Buffer }[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(directory, path).split(sep).join("/"), content: readFileSync(path) }));
}
