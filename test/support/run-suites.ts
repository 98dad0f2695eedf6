/**
 * `npm test`: the files of every suite, with the time that those of each suite took; `npm test -- broker` runs the files of
 * that name alone. A need that is missing is announced. Ends with the line "N passed, N failed".
 */
import { parseCLI, startVitest, type TestModule } from "vitest/node";
import { findForgejo } from "../../src/hive/up/forgejo.ts";

const began = performance.now();
const forgejo = await findForgejo();
const announced = forgejo
  ? `Tests of the forge run against the embedded one and against a real Forgejo: ${forgejo.path}`
  : "NO REAL FORGEJO WAS FOUND: tests of the forge run against the embedded one alone. Set HIVE_FORGEJO_BIN, or put `forgejo` on PATH.";
console.log(announced);

const words = process.argv.slice(2);
const { filter, options } = parseCLI(["vitest", "run", "--passWithNoTests", ...words]);
// All suites at once, so that no worker is idle while another one ends a suite.
const vitest = await startVitest(filter, { reporters: [words.length > 0 ? "verbose" : "default"], ...options });
const modules = vitest.state.getTestModules();
const suites = Map.groupBy(modules, ({ project }) => project.name);
await vitest.close();

console.log();
for (const [suite, ofSuite] of suites) {
  const seconds = ofSuite.reduce((sum, module) => sum + secondsOf(module), 0);
  console.log(`${suite}: ${count(ofSuite, "passed")} passed, ${failuresOf(ofSuite)} failed in ${seconds.toFixed(1)} s`);
}
const workers = `on ${vitest.config.maxWorkers} workers`;
console.log(`all: in ${((performance.now() - began) / 1000).toFixed(1)} s ${workers}\n`);
if (!forgejo) console.log(announced);
// an error outside of any test fails no test of its own
const failed = failuresOf(modules) || Math.min(1, vitest.state.getUnhandledErrors().length);
console.log(`${count(modules, "passed")} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

function count(of: TestModule[], state: "passed" | "failed"): number {
  return of.reduce((sum, module) => sum + [...module.children.allTests(state)].length, 0);
}

/** One for a file that could not be loaded, or whose hooks failed, beside its tests. */
function failuresOf(of: TestModule[]): number {
  return of.reduce((sum, module) => sum + Math.max(count([module], "failed"), module.state() === "failed" ? 1 : 0), 0);
}

function secondsOf(module: TestModule): number {
  const { duration, collectDuration, setupDuration, prepareDuration } = module.diagnostic();
  return (duration + collectDuration + setupDuration + prepareDuration) / 1000;
}
