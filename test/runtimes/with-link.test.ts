import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const top = mkdtempSync(join(tmpdir(), "hive-"));
afterAll(() => rmSync(top, { recursive: true }));

/** Runs a program that says what it was given. */
const run = (link: string, target: string) =>
  execFileSync("/bin/sh", ["src/hive/with-link.sh", link, target, "printf", "%s|", "a b", "c"], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

test("the link leads to the target at each start, whatever it led to before, and the program is run", () => {
  const link = join(top, "new/extensions/hive");
  expect(run(link, "/first")).toBe("a b|c|");
  expect(readlinkSync(link)).toBe("/first");
  expect(run(link, "/second")).toBe("a b|c|");
  expect(readlinkSync(link)).toBe("/second");
  rmSync(link);
  symlinkSync(top, link); // a link to a directory is replaced, not filled
  run(link, "/third");
  expect(readlinkSync(link)).toBe("/third");
});

test("what an agent has put there itself stays, and hinders nothing", () => {
  const own = join(top, "own/hive");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "mine"), "mine");
  expect(run(own, "/elsewhere")).toBe("a b|c|");
  expect(lstatSync(own).isDirectory()).toBe(true);
  expect(readFileSync(join(own, "mine"), "utf8")).toBe("mine");
  writeFileSync(join(top, "file"), "");
  expect(run(join(top, "file/hive"), "/elsewhere")).toBe("a b|c|");
});
