/** The suites, told apart by the suffix of a test's file: what a test needs beside Node and git. */
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { findForgejo } from "./src/hive/up/forgejo.ts";
import { compiledOfTests } from "./test/support/cache.ts";

// for the workers, and for what they start
process.env["NODE_COMPILE_CACHE"] = compiledOfTests;

const slow = ["**/*.forge.test.ts", "**/*.browser.test.ts", "**/*.crash.test.ts", "**/*.agents.test.ts"];
/** npm run test:agents, which installs over 1 GB */
const withAgents = process.env["HIVE_TEST_AGENTS"] === "1";
const common = { root: ".", environment: "node" as const, testTimeout: 30_000, hookTimeout: 60_000 };

/** The suites in the order in which they begin. */
const longestFirst = ["crash", "browser", "forge", "contract", "fast"];

/** The files of the slow suites begin first: the many short ones fill what they leave of the workers, to the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ project }: TestSpecification) => longestFirst.indexOf(project.name);
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // most of a test's time is waiting for processes that it started, so three share two cores well
    maxWorkers: 3,
    projects: [
      // Many short files: they share processes, of which to start one costs more than most of them (measured).
      { test: { ...common, name: "fast", include: ["test/**/*.test.ts"], exclude: slow, isolate: false } },
      { test: { ...common, name: "forge", include: ["test/**/*.forge.test.ts"], testTimeout: 60_000 } },
      {
        // the same files as in `fast`, on one real Forgejo for all of them, where there is one
        test: {
          ...common,
          name: "contract",
          include: (await findForgejo()) ? ["test/forge-contract/*.test.ts"] : [],
          globalSetup: "test/forge-contract/real-forge.ts",
          testTimeout: 60_000,
        },
      },
      {
        test: {
          ...common,
          name: "agents",
          include: withAgents ? ["test/**/*.agents.test.ts"] : [],
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...common,
          name: "browser",
          include: ["test/**/*.browser.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          ...common,
          name: "crash",
          include: ["test/**/*.crash.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
