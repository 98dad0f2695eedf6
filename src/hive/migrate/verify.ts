/** Whether the new forge has what the old one has, by its own words: before a hive depends on it. */
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import type { Api } from "./api.ts";
import { settled } from "./settled.ts";
import { type Inventory, listRepos, type Repository } from "./source.ts";

const Branch = z.object({ name: z.string(), commit: z.object({ id: z.string() }) });
const Tag = z.object({ name: z.string(), commit: z.object({ sha: z.string() }) });
const Item = z.object({ number: z.number(), title: z.string(), state: z.string() });

/** @throws Fault with the first differences */
export async function verify(from: Api, to: Api, { repositories }: Inventory): Promise<void> {
  const [wanted, found] = [await listRepos(from), await listRepos(to)];
  if (wanted.join() !== found.join()) throw differs("the repositories", wanted, found);
  for (const repo of repositories) {
    const before = await contentOf(from, repo);
    let after: string[] = [];
    await settled(repo.full_name, async () => {
      after = await contentOf(to, repo);
      return before.join("\n") === after.join("\n");
    }).catch((error: unknown) => {
      if (after.length === 0 || !(error instanceof Fault)) throw error;
      const only = (some: string[], others: string[]) => some.filter((line) => !others.includes(line));
      throw differs(repo.full_name, only(before, after), only(after, before));
    });
  }
}

const differs = (what: string, wanted: readonly string[], found: readonly string[]) =>
  new Fault(
    `The new forge has something else than the old one in ${what}: ${wanted.slice(0, 3).join(", ")} became ${found.slice(0, 3).join(", ")}. Nothing was switched.`,
  );

async function contentOf(api: Api, { full_name, items }: Repository): Promise<string[]> {
  const path = `/repos/${full_name}`;
  const branches = await api.list(Branch, `${path}/branches`);
  const tags = await api.list(Tag, `${path}/tags`);
  const issues = items.length === 0 ? [] : await api.list(Item, `${path}/issues?state=all`);
  return [
    ...branches.map(({ name, commit }) => `branch ${name} ${commit.id}`),
    ...tags.map(({ name, commit }) => `tag ${name} ${commit.sha}`),
    ...issues.map(({ number, title, state }) => `#${number} ${state} ${title}`),
  ].sort();
}
