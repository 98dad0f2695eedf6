/** Proposals as `look` reads them from the forge, for tests of what is said of them. */
import type { Proposal } from "../../src/hived/approvals/validate.ts";

export const yaml = "harness: { driver: acp, profile: script }\n";

export const file = (path: string, change: Partial<Proposal["head"][number]> = {}) => ({
  path,
  mode: "100644",
  bytes: 100,
  sha: "a".repeat(40),
  ...change,
});
export const files = ["agent.yaml", "AGENTS.md"].map((path) => file(path));

/** A new agent bob. */
export const spawn: Proposal = {
  changedPaths: ["agents/bob/agent.yaml", "agents/bob/AGENTS.md"],
  head: files,
  main: [],
  headText: yaml,
  mainText: null,
  manager: "manager",
};

/** Another version of bob. */
export const config = (headText: string, mainText = yaml, change: Partial<Proposal> = {}): Proposal => ({
  ...spawn,
  main: files,
  headText,
  mainText,
  ...change,
});

export const destroy: Proposal = { ...spawn, head: [], main: files, headText: null, mainText: yaml };

export const inputs = (headText: string, mainText: string): Proposal => ({
  ...spawn,
  changedPaths: ["inputs.json"],
  head: [file("inputs.json")],
  main: [file("inputs.json")],
  headText,
  mainText,
});

export const decision: Proposal = {
  ...spawn,
  changedPaths: ["decisions/spaces.md", "decisions/tabs.md"],
  head: [file("decisions/tabs.md")],
  main: [file("decisions/spaces.md")],
  headText: null,
  mainText: null,
};
