import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentName } from "../../src/contract/names.ts";
import { systemClock } from "../../src/daemon/clock.ts";
import { emailOf } from "../../src/hived/forge/addresses.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { forges } from "../support/forges.ts";
import { openCore, type TestCore } from "../support/open-core.ts";
import { type Provisioned, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";
import type { RunningForge } from "../support/running-forge.ts";
import { prepare, type Stage, withRunner } from "./with-runner.ts";

const alice = "alice" as AgentName;

/** Every command line and environment of the sandbox, at that moment. */
const look = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >>\"$HIVE_SHARED_DIR\"/seen";

/** What the base prompt says how to do, with somebody who looks on while the token is in use. */
const work = `
set -eu
git clone -q "$HIVE_FORGE_URL/org-shared/docs.git" docs
test -f docs/README.md
api="$HIVE_FORGE_URL/api/v1"
curl -K "$HIVE_FORGE_CURLRC" -d '{"name": "notes", "private": true, "auto_init": true, "default_branch": "main"}' "$api/user/repos"
git clone -q "$HIVE_FORGE_URL/$HIVE_FORGE_USER/notes.git" notes
for repository in docs notes; do
  printf '#!/bin/sh\\n%s\\n' "$look" >$repository/.git/hooks/pre-push
  chmod +x $repository/.git/hooks/pre-push
done
cd notes
git checkout -q -b idea && echo idea >idea.md && git add idea.md && git commit -q -m "Have an idea" && git push -q origin idea
mkfifo ../body
curl -K "$HIVE_FORGE_CURLRC" -d @../body "$api/repos/$HIVE_FORGE_USER/notes/pulls" & # it waits for what it is to send
exec 3>../body
sh -c "$look"
echo '{"head": "idea", "base": "main", "title": "An idea"}' >&3
exec 3>&-
wait $!
cd ../docs
echo "Well said." >>README.md && git commit -q -a -m "Praise the docs"
git push origin HEAD:refs/for/main -o topic=praise -o title="Praise the docs" -o description="They are good."
`;

const rename = `
set -eu
api="$HIVE_FORGE_URL/api/v1"
curl -K "$HIVE_FORGE_CURLRC" -d '{"name": "old-name", "auto_init": true, "default_branch": "main"}' "$api/user/repos"
git clone -q "$HIVE_FORGE_URL/$HIVE_FORGE_USER/old-name.git" renamed && cd renamed
curl -K "$HIVE_FORGE_CURLRC" -X PATCH -d '{"name": "new-name"}' "$api/repos/$HIVE_FORGE_USER/old-name"
git pull -q && git commit -q --allow-empty -m "After that" && git push -q
`;

for (const { name, start } of forges)
  describe(name, () => {
    let forge: RunningForge;
    let core: TestCore;
    let parts: Provisioned;
    let token: string;
    beforeAll(async () => {
      forge = await start();
      core = openCore();
      parts = partsFor(core, forge);
      await provision(parts);
      await provisionAgent(parts, alice, "worker");
      token = parts.tokens.read(alice) ?? "";
    });
    afterAll(async () => {
      await core[Symbol.asyncDispose]();
      await forge[Symbol.asyncDispose]();
    });
    const access = (name: AgentName) => ({
      ...{ url: forge.url, email: emailOf(core, name) },
      token: parts.tokens.read(name) ?? "",
    });

    test("an agent clones, pushes and opens pull requests with nothing set up by itself, and its token is seen nowhere", async () => {
      await using stage = await withRunner(systemClock, true);
      const runtime = stage.hived.place().runtimes.at(-1) ?? "process";
      if (runtime === "process") console.warn("NO SANDBOX WORKS HERE, so git was tried outside of one.");
      const rule = {
        name: "work",
        steps: [{ run: work, save: "said" }, { say: "{{said}}" }],
      };
      const script = JSON.stringify({ vars: { look }, rules: [rule] });
      const launch = await prepare(stage, alice, script, { runtime, forge: access(alice) });
      await stage.hived.runner("launch", launch);
      stage.hived.mail(alice, "Go to work.");
      const end = await stage.hived.ends.next();
      const said = JSON.stringify(end.log);
      expect(said).toContain('"status":"completed"');

      const operator = withToken(forge.url, parts.tokens.read("operator") ?? "");
      const asAlice = withToken(forge.url, token);
      expect(await asAlice.call("GET", "/repos/alice/notes/pulls/1")).toMatchObject({
        title: "An idea",
        state: "open",
      });
      expect(await operator.call("GET", "/repos/org-shared/docs/pulls?state=open")).toMatchObject([
        { title: "Praise the docs", body: "They are good.", user: { login: "alice" } },
      ]);

      const seen = readFileSync(join(stage.directory, "shared/seen"), "utf8");
      expect(seen).toMatch(/^git-remote-http|^.*git.*remote-http/m);
      expect(seen).toMatch(/^-K$/m);
      expect(seen).toMatch(/^HIVE_FORGE_TOKEN_FILE=/m);
      expect(token.length).toBeGreaterThan(20);
      for (const text of [seen, said, JSON.stringify(launch.spec)]) expect(text).not.toContain(token);
      for (const [path, text] of filesBelow(stage)) expect(text.includes(token), path).toBe(false);
    });

    // The embedded forge renames nothing.
    if (name === "a real Forgejo")
      test("a clone of a repository that was renamed since is pushed from as before", async () => {
        await using stage = await withRunner();
        const rule = { name: "rename", steps: [{ run: rename, save: "said" }, { say: "{{said}}" }] };
        const script = JSON.stringify({ rules: [rule] });
        await stage.hived.runner("launch", await prepare(stage, alice, script, { forge: access(alice) }));
        stage.hived.mail(alice, "Rename it.");
        const { log } = await stage.hived.ends.next();
        const newest = await withToken(forge.url, token).call("GET", "/repos/alice/new-name/commits?limit=1");
        expect(newest, JSON.stringify(log)).toMatchObject([{ commit: { message: "After that\n" } }]);
      });

    test("the skill about reviews leaves a verdict on the commit that was looked at", async () => {
      const bob = "bob" as AgentName;
      await provisionAgent(parts, bob, "worker");
      const proposer = withToken(forge.url, token);
      const { number, head } = await proposer.propose("org-shared/docs", "new-page", { "new.md": "A new page.\n" });
      await using stage = await withRunner();
      const rule = { name: "review", steps: [{ run: reviewCommands(number), save: "said" }, { say: "{{said}}" }] };
      const script = JSON.stringify({ rules: [rule] });
      await stage.hived.runner("launch", await prepare(stage, bob, script, { forge: access(bob) }));
      stage.hived.mail(bob, "Review it.");
      const { log } = await stage.hived.ends.next();
      const reviews = await proposer.call("GET", `/repos/org-shared/docs/pulls/${number}/reviews`);
      expect(reviews, JSON.stringify(log)).toMatchObject([
        { state: "REQUEST_CHANGES", commit_id: head, user: { login: "bob" }, comments_count: 1 },
      ]);
    });
  });

/** The commands of the skill that each hive begins with, about a pull request that adds new.md. */
function reviewCommands(number: number): string {
  const skill = readFileSync("seeds/org-shared/docs/skills/review-a-pull-request/SKILL.md", "utf8");
  const blocks = [...skill.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block);
  const values = { "<owner>/<repository>": "org-shared/docs", "<number>": `${number}`, "<base>": "main" };
  const filled = Object.entries(values).reduce(
    (text, [name, value]) => text.replaceAll(name, value),
    blocks.join("\n"),
  );
  return `set -eu\n${filled.replace("src/parse.ts", "new.md").replace('"new_position": 42', '"new_position": 1')}`;
}

/** All that the agent left, and what it was told; but not the secrets themselves. */
function* filesBelow({ directory }: Stage): Generator<[string, string]> {
  const launches = readdirSync(join(directory, "launches"));
  for (const launch of launches)
    yield ["prompt", readFileSync(join(directory, "launches", launch, "prompt.md"), "utf8")];
  for (const part of ["agents", "shared"])
    for (const entry of readdirSync(join(directory, part), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) yield [join(part, entry.name), readFileSync(join(entry.parentPath, entry.name), "latin1")];
}
