/** What stands under a pull request, whole: with UPDATE_SNAPSHOT=1 vitest writes golden/ anew. */
import { expect, test } from "vitest";
import { ObjectId } from "../../src/contract/names.ts";
import { inert, statusDescription, verdictComment } from "../../src/hived/approvals/comment.ts";
import { type Proposal, validate } from "../../src/hived/approvals/validate.ts";
import { config, decision, destroy, file, files, inputs, spawn, yaml } from "./proposal.ts";

const head = ObjectId.parse("a".repeat(40));
const wide = `role: manager
harness: { driver: acp, profile: script }
runtime: { driver: process }
recipients: [carol, dave]
limits: { turn_minutes: 120, silence_minutes: 5, idle_stop_minutes: 60 }
budgets: { turns_per_hour: 600 }
`;
const driven = `harness:
  driver: claude
  command: [/opt/claude, --debug]
  model: opus
  env: { ANTHROPIC_BASE_URL: "http://gateway.invalid", MAX_THINKING_TOKENS: "1000" }
`;
const boxed = "harness: { driver: acp, profile: script }\nruntime: { driver: bubblewrap }\n";

test.each<[string, Proposal]>([
  ["spawn", spawn],
  ["spawn-of-a-manager", { ...spawn, headText: wide, manager: null }],
  ["config-that-allows-more", config(wide, yaml, { manager: "bob" })],
  ["config-that-takes-away", config(yaml, wide, { manager: "bob" })],
  ["config-from-sandbox-to-process", config(boxed.replace("bubblewrap", "process"), boxed)],
  ["config-from-process-to-sandbox", config(boxed, boxed.replace("bubblewrap", "process"))],
  ["config-to-another-coding-agent", config(driven, yaml)],
  ["config-back-to-the-script-agent", config(yaml, driven)],
  ["config-to-everybody", config(`${yaml}recipients: ["*"]\n`, `${yaml}recipients: [carol]\n`)],
  ["config-to-one-of-everybody", config(`${yaml}recipients: [carol]\n`, `${yaml}recipients: ["*"]\n`)],
  ["config-to-others", config(`${yaml}recipients: [dave]\n`, `${yaml}recipients: [carol]\n`)],
  [
    "config-of-files-alone",
    config(yaml, yaml, {
      head: [...files.slice(0, 1), file("AGENTS.md", { sha: "b".repeat(40) }), file("skills/sum/SKILL.md")],
    }),
  ],
  ["config-of-nothing", config(`# as it was\n${yaml}`)],
  ["destroy", destroy],
  ["destroy-of-the-manager", { ...destroy, mainText: `role: manager\n${yaml}`, manager: "bob" }],
  ["inputs", inputs('{ "inputs": { "cli": "2.0.1" } }', '{ "inputs": { "cli": "2.0.0", "base": "sha256:1" } }')],
  ["inputs-as-they-were", inputs('{"inputs":{}}', '{ "inputs": {} }')],
  ["decision", decision],
  ["invalid", { ...spawn, headText: "harness:\n  driver: smoke\n  profile: script\n" }],
  ["several-things-at-once", { ...spawn, changedPaths: ["README.md", "agents/bob/agent.yaml", "agents/carol/x"] }],
])("the comment on %s", async (name, proposal) => {
  await expect(verdictComment(head, validate(proposal))).toMatchFileSnapshot(`golden/${name}.md`);
});

test("text of a pull request can't become markup, a mention or a second line", () => {
  expect(inert("<script>\n@operator **x** [a](b) `c`")).toBe(
    "&#60;script&#62; &#64;operator &#42;&#42;x&#42;&#42; &#91;a&#93;&#40;b&#41; &#96;c&#96;",
  );
  expect(inert("closes http://forge/hive/questions/issues/2")).toContain("closes http&#58;//");
});

test("a status' description fits into the forge's column", () => {
  expect(statusDescription("x".repeat(500))).toHaveLength(140);
});
