import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { highlightedLines } from "../../forge/embedded/pages/code.ts";
import { type DiffLine, parsePatch } from "../../forge/embedded/pages/diff.ts";
import { diffView } from "../../forge/embedded/pages/diff-view.ts";
import { runGit } from "../forge-contract/git-client.ts";
import { textOf } from "./visitor.ts";

/** Lines that look like parts of a patch, among ordinary ones. */
const TRICKS = [
  "--- a/agent.yaml",
  "+++ b/agent.yaml",
  "@@ -1 +1 @@",
  "@@ -1,9 +1,9 @@ x",
  "diff --git a/x b/x",
  "\\ No newline at end of file",
  "-- a/x",
  "++ b/x",
  "new file mode 100644",
  "Binary files a/x and b/x differ",
  "",
  "a",
  "b",
  "with a carriage return\r",
];
const fileContent = fc
  .tuple(fc.array(fc.constantFrom(...TRICKS), { maxLength: 12 }), fc.boolean())
  .map(([lines, isEnded]) => lines.join("\n") + (isEnded && lines.length > 0 ? "\n" : ""));

const sideOf = (lines: readonly DiffLine[], side: "old" | "new"): string =>
  lines
    .filter((line) => line[side] !== undefined)
    .map((line) => `${line.text}${line.isUnended ? "" : "\n"}`)
    .join("");

test("whatever a file's lines look like, the diff shows exactly the old and the new file", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "diff-"));
  const check = async (before: string, after: string) => {
    writeFileSync(path.join(dir, "before"), before);
    writeFileSync(path.join(dir, "after"), after);
    const args = ["diff", "--no-index", "--no-color", "-U1000", "before", "after"];
    const files = parsePatch((await runGit(dir, args)).text);
    expect(files).toHaveLength(before === after ? 0 : 1);
    const lines = files[0]?.hunks.flatMap((hunk) => hunk.lines) ?? [];
    expect([sideOf(lines, "old"), sideOf(lines, "new")]).toEqual(before === after ? ["", ""] : [before, after]);
  };
  try {
    await fc.assert(fc.asyncProperty(fileContent, fileContent, check), { numRuns: 60, endOnFailure: true });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

test("a changed line that looks like a header begins no other file", () => {
  const patch = [
    "diff --git a/agents/eve/agent.yaml b/agents/eve/agent.yaml",
    "--- a/agents/eve/agent.yaml",
    "+++ b/agents/eve/agent.yaml",
    "@@ -1,2 +1,2 @@",
    "--- a/README.md",
    "+++ b/README.md",
    " kept",
    "@@ -9 +9 @@",
    "-network: none",
    "+network: full",
  ].join("\n");
  expect(parsePatch(patch)).toMatchObject([{ newPath: "agents/eve/agent.yaml", added: 2, removed: 2 }]);
});

test("names with quotes, spaces and letters of every alphabet come out as they are", () => {
  const patch = [
    'diff --git "a/say \\"hi\\"\\t.txt" "b/say \\"hi\\"\\t.txt"',
    "new file mode 100644",
    "diff --git a/old name.txt b/neuer name ä.txt",
    "similarity index 100%",
    "rename from old name.txt",
    "rename to neuer name ä.txt",
    "diff --git a/a b/a b/a b/a",
    "old mode 100644",
    "new mode 100755",
  ].join("\n");
  expect(parsePatch(patch)).toMatchObject([
    { newPath: 'say "hi"\t.txt', change: "added" },
    { oldPath: "old name.txt", newPath: "neuer name ä.txt", change: "renamed" },
    { newPath: "a b/a", newMode: "100755" },
  ]);
});

test("what cannot be seen at the end of a line is named", () => {
  const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+a\r\n\\ No newline at end of file\n";
  const shown = diffView(parsePatch(patch), { fileHref: () => undefined }).text;
  expect(shown).toContain("The line ends with a carriage return");
  expect(shown).toContain("no line break at the end");
});

test("the part in which a line differs from the one that it replaces is marked", () => {
  const patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-budget: 60 turns\n+budget: 90 turns\n";
  const shown = diffView(parsePatch(patch), { fileHref: () => undefined }).text;
  expect(shown).toContain("budget: <mark>6</mark>0 turns");
  expect(shown).toContain("budget: <mark>9</mark>0 turns");
});

test("a diff of more lines than anybody reads says what it leaves out", () => {
  const added = Array.from({ length: 20_001 }, () => "+x").join("\n");
  const patch = `diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,20001 @@\n${added}\n`;
  const shown = textOf(diffView(parsePatch(patch), { fileHref: () => undefined }).text);
  expect(shown).toContain("Not shown: all changes together have over 20000 lines.");
});

test("colours lose no character of the code", () => {
  const code = "const a = `<b>&amp;\"'</b>`; /* one\n\n two */ if (a < 1 && b > 2) {}\n\tlast";
  const lines = highlightedLines(code, "typescript").map((line) => line.map((token) => token.text).join(""));
  expect(lines.join("\n")).toBe(code);
});
