import { expect, test } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { ObjectId } from "../../src/contract/names.ts";
import { maxAnswerCharacters } from "../../src/hived/broker/limits.ts";
import { openDocs } from "../../src/hived/mcp/docs.ts";

const commit = ObjectId.parse("c".repeat(40));

function openSome(files: Record<string, string | Buffer>) {
  const docs = openDocs();
  const written = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content).toString("base64"),
    executable: false,
  }));
  docs.keep(commit, written);
  return (args: { path?: string; query?: string; offset?: number } = {}) => docs.read({ offset: 0, ...args });
}

test("without arguments it lists the files, in order", () => {
  const read = openSome({
    "how-we-work.md": "Be kind.\n",
    "forge/push.md": "Push.\n",
    "logo.png": Buffer.from([0, 255]),
  });
  expect(read()).toBe(
    [
      "Files, org-shared/docs at cccccccccc:",
      "forge/push.md (6 bytes)",
      "how-we-work.md (9 bytes)",
      "logo.png (2 bytes, no text)",
    ].join("\n"),
  );
  expect(read({ path: "forge" })).toContain("forge/push.md");
  expect(read({ path: "forge" })).not.toContain("how-we-work");
});

test("a path is read", () => {
  const read = openSome({ "how-we-work.md": "Be kind.\nBe brief." });
  expect(read({ path: "how-we-work.md" })).toBe("how-we-work.md, org-shared/docs at cccccccccc:\nBe kind.\nBe brief.");
});

test.each(["/docs/forge/push.md", "./forge/push.md", "forge//push.md", "/docs/./forge/push.md"])(
  "a path is read as a prompt or a shell gives it, too: %s",
  (path) => {
    const read = openSome({ "forge/push.md": "Push." });
    expect(read({ path })).toBe("forge/push.md, org-shared/docs at cccccccccc:\nPush.");
  },
);

test("/docs is all of it, and what leads out of it is refused", () => {
  const read = openSome({ "forge/push.md": "Push." });
  expect(read({ path: "/docs/" })).toContain("forge/push.md (5 bytes)");
  expect(() => read({ path: "../forge/push.md" })).toThrow('There is no "../forge/push.md".');
});

test("a search finds the files that have all of the words, whatever their case, with the lines", () => {
  const read = openSome({
    "a.md": "Tests are green.\nNothing else.",
    "b.md": "TESTS first.\nGreen is better than red.\nMore tests.",
    "c.md": "Only tests.",
  });
  expect(read({ query: "tests GREEN" })).toBe(
    [
      "Lines with tests green, org-shared/docs at cccccccccc:",
      "b.md:1: TESTS first.",
      "b.md:2: Green is better than red.",
      "b.md:3: More tests.",
      "a.md:1: Tests are green.",
    ].join("\n"),
  );
  expect(read({ query: "blue" })).toBe("No file of org-shared/docs has all of: blue. Try fewer words.");
  expect(read({ query: "tests", path: "c.md" })).toContain("c.md:1: Only tests.");
});

test("what is long comes in pages, which together are all of it", () => {
  const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"x".repeat(index % 40)}`);
  const text = [...lines, "y".repeat(50_000)].join("\n");
  const read = openSome({ "long.md": text });
  const pages: string[] = [];
  for (let offset: number | undefined = 0; offset !== undefined; ) {
    const page = read({ path: "long.md", offset });
    expect(page.length).toBeLessThanOrEqual(maxAnswerCharacters);
    const next = /\n\(\d+ more lines: call again with offset (\d+)\)$/.exec(page);
    pages.push(page.slice(page.indexOf("\n") + 1, next?.index ?? page.length));
    offset = next ? Number(next[1]) : undefined;
  }
  expect(pages.length).toBeGreaterThan(3);
  expect(
    pages
      .join("\n")
      .replaceAll("\ny", "y")
      .replace(/yy+$/, (all) => `\n${all}`),
  ).toBe(text);
});

test.each([
  ["a path that is nearly one", { path: "how-we-wrok.md" }, "Did you mean how-we-work.md?"],
  ["a file that is no text", { path: "logo.png" }, "is no text"],
  ["an offset beyond the end", { path: "how-we-work.md", offset: 9 }, "There are only 1 lines."],
])("%s is refused with what to do", (_, args, said) => {
  const read = openSome({ "how-we-work.md": "Be kind.", "logo.png": Buffer.from([0, 255]) });
  expect(() => read(args)).toThrow(said);
});

test("before they have been fetched it is a fault, which passes", () => {
  expect(() => openDocs().read({ offset: 0 })).toThrow(Fault);
});
