import { join } from "node:path";
import { expect, test } from "vitest";
import { openForge, startForge } from "../../forge/embedded/app.ts";
import { ForgeConfig } from "../../forge/embedded/config.ts";
import { insertIssue } from "../../forge/embedded/domain/issues.ts";
import { repoByName } from "../../forge/embedded/domain/repos.ts";
import { userByName } from "../../forge/embedded/domain/users.ts";
import type { Forge, ForgeVerbs } from "../../src/hived/forge/client.ts";
import { reconcile } from "../../src/hived/intake/reconcile.ts";
import { openCore } from "../support/open-core.ts";
import { forgeWork, partsFor } from "../support/provisioned.ts";
import { configOf, makeTemplate, running } from "./wire-world.ts";

const count = 10_000;

/** Written as the forge itself writes them, in one transaction. */
function fill(directory: string): void {
  const forge = openForge(ForgeConfig.parse(configOf(directory)));
  const [repo, author] = [repoByName(forge.db, "alice", "notes"), userByName(forge.db, "bob")];
  if (!repo || !author) throw new Error("the template lacks its repository");
  forge.db.write(() => {
    for (let number = 1; number <= count; number += 1)
      insertIssue(forge.db, { repo, author, is_pull: false, title: `thing ${number}`, body: "", now: Date.now() });
  });
  forge.db.close();
}

test("ten thousand changes of a night are looked at page by page, and shown as x of y", {
  timeout: 600_000,
}, async () => {
  await using template = await makeTemplate();
  fill(template.directory);
  const forge = await startForge(configOf(template.directory));
  await using core = openCore(join(template.directory));
  const parts = partsFor(core, running(forge.url, template.directory));
  parts.health.noteWork(null);
  const bells = () =>
    core.db.read((reader) =>
      reader.get<{ count: number }>("SELECT count(*) AS count FROM work WHERE kind = 'refresh'"),
    );
  let largest = 0;
  let told = 0;
  const watched: Forge = {
    ...parts.forge,
    as: (user) => ({
      ...parts.forge.as(user),
      changedPages: (...args) => watch(parts.forge.as(user).changedPages(...args)),
    }),
  };
  async function* watch(pages: ReturnType<ForgeVerbs["changedPages"]>) {
    for await (const page of pages) {
      expect(bells()?.count).toBe(told); // what came before is on disk, and held no more
      largest = Math.max(largest, page.changed.length);
      told += page.changed.length;
      yield page;
    }
  }
  await reconcile({ ...parts, forge: watched });
  expect(bells()?.count).toBe(count);
  expect(largest).toBeLessThanOrEqual(50);

  core.work(forgeWork(parts));
  const first = await core.event("ForgeChanged", ({ fact }) => fact.forge.catchingUp !== null);
  expect(first.fact.forge.catchingUp).toEqual({ done: expect.any(Number), of: count });
  core.clock.advance(1000);
  const { fact } = await core.event("ForgeChanged", ({ sequence }) => sequence > first.sequence);
  expect(fact.forge.catchingUp).toEqual({ done: expect.any(Number), of: count });
  expect(fact.forge.catchingUp?.done).toBeGreaterThan(first.fact.forge.catchingUp?.done ?? count);
  await core.close();
  await forge.stop();
});
