/**
 * Looks for what the forge has no more, of which no bell rings: it lets an issue, or a whole repository, go without a word.
 * Counting finds it, and costs one call where nothing is gone.
 */
import type { Core } from "../core.ts";
import type { ForgeVerbs } from "../forge/client.ts";
import { knownRepos, numbersAfter } from "../forge/forge-items.ts";
import { ringItem } from "../forge/refresh.ts";

/** The most bells of one commit. */
const batch = 500;

/**
 * Rings for all that is known of each repository that has fewer items than are known; each is then found or forgotten.
 * @param fresh per repository, how many items the forge has just told of that are not known yet
 */
export async function ringForGone(
  core: Core,
  as: ForgeVerbs,
  owner: string,
  fresh: ReadonlyMap<string, number>,
): Promise<void> {
  const known = core.db.read((reader) => knownRepos(reader, owner));
  const sum = (counts: Iterable<number>) => [...counts].reduce((total, count) => total + count, 0);
  if (sum(known.map(({ count }) => count)) + sum(fresh.values()) <= (await as.countItems(owner))) return;
  for (const { repo, count } of known)
    if (count + (fresh.get(repo) ?? 0) > ((await as.countItemsOf(repo)) ?? 0)) await ringAll(core, repo);
}

async function ringAll(core: Core, repo: string): Promise<void> {
  for (let after: number | undefined = 0; after !== undefined; ) {
    const numbers = core.db.read((reader) => numbersAfter(reader, repo, after ?? 0, batch));
    await core.db.write((tx) => {
      for (const number of numbers) ringItem(tx, core, repo, number);
    });
    after = numbers.at(-1);
  }
}
