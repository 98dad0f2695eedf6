import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Launch } from "../../src/contract/launch.ts";
import { prepare, type Stage, type someTree, withRunner } from "./with-runner.ts";

/** It says what it was told, and what stands in its file. */
const script =
  'rules: [{ name: a, steps: [{ say: "{{told}}" }, { run: \'cat "$HIVE_PROMPT_FILE"\', save: file }, { say: "{{file}}" }] }]';

test("an agent is told what the runner says that it is told, over ACP and in its file", async () => {
  await using stage = await withRunner();
  const launch = await prepare(stage, "alice", script);
  await stage.hived.runner("launch", launch);
  const { text } = await stage.hived.runner("readPrompt", {
    ...{ agent: launch.agent, tree: launch.tree },
    ...{ values: launch.spec.prompt, driver: launch.spec.driver },
  });
  expect(text).toContain("You are alice, a worker of a hive");
  expect(await heard(stage)).toEqual([text.trim(), text.trim()]);
  expect(promptFile(stage, launch)).toBe(text);
});

test("a skill that is new in the docs is told of in the agent's next conversation, not before", async () => {
  await using stage = await withRunner();
  const launch = await prepare(stage, "alice", script);
  await stage.hived.runner("launch", launch);
  const content = Buffer.from("---\ndescription: How to test\n---\n").toString("base64");
  await stage.hived.runner("updateDocs", {
    commit: "1".repeat(40) as typeof someTree,
    files: [{ path: "skills/testing/SKILL.md", content }],
  });
  expect((await heard(stage))[0]).not.toContain("## Skills");
  await stage.hived.runner("changeConversation", { launch: launch.launch, change: { kind: "new" } });
  expect((await heard(stage))[0]).toContain(
    `- testing (${join(stage.directory, "docs/current/skills/testing/SKILL.md")}): How to test`,
  );
});

const promptFile = (stage: Stage, { launch }: Launch) =>
  readFileSync(join(stage.directory, "launches", launch, "prompt.md"), "utf8");

/** What alice says in a turn of what she was told, and of what stands in her file. */
async function heard({ hived }: Stage): Promise<string[]> {
  hived.mail("alice", "What were you told?");
  const { log } = await hived.ends.next();
  const said = (log?.entries ?? []).flatMap(({ event }) => (event.kind === "text" ? [event.text] : [])).join("");
  return said
    .split("# You are alice")
    .slice(1)
    .map((text) => `# You are alice${text.split("\nThat was rule")[0]}`.trim());
}
