/**
 * `npm test`: every suite one after the other, with its time; `npm test -- broker` runs the files of that name alone.
 * A need that is missing is announced by the suite that has it. Ends with the line "N passed, N failed".
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { run } from "./steps.ts";

const suites = ["fast", "forge", "contract", "browser", "crash"];
const Report = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numFailedTestSuites: z.number() });

const words = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), "hive-test-"));
const times: string[] = [];
let passed = 0;
let failed = 0;
const forgejo = await findForgejo();
console.log(
  forgejo
    ? `Tests of the forge run against the embedded one and against a real Forgejo: ${forgejo.path}`
    : "NO REAL FORGEJO WAS FOUND: tests of the forge run against the embedded one alone. Set HIVE_FORGEJO_BIN, or put `forgejo` on PATH.",
);
for (const suite of suites) {
  const file = join(reports, `${suite}.json`);
  const options = ["--project", suite, "--passWithNoTests"];
  const reporters = [
    "--reporter",
    words.length > 0 ? "verbose" : "default",
    "--reporter",
    "json",
    "--outputFile.json",
    file,
  ];
  const { code, seconds } = await run(["vitest", "run", ...options, ...reporters, ...words], "always");
  const { numPassedTests, numFailedTests, numFailedTestSuites } = readReport(file);
  passed += numPassedTests;
  // a file that could not be loaded, or an error outside of any test, fails no test of its own
  failed += Math.max(numFailedTests, numFailedTestSuites > 0 || code !== 0 ? 1 : 0);
  if (numPassedTests + numFailedTests > 0)
    times.push(`${suite}: ${numPassedTests} passed, ${numFailedTests} failed in ${seconds.toFixed(1)} s`);
}
rmSync(reports, { recursive: true });
console.log(`\n${times.join("\n")}\n`);
if (!forgejo) console.log("NO REAL FORGEJO WAS FOUND: nothing here ran against one.");
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

function readReport(file: string): z.output<typeof Report> {
  try {
    return Report.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return { numPassedTests: 0, numFailedTests: 0, numFailedTestSuites: 0 };
  }
}
