/** The coding agents that are known, by the name that agent.yaml gives them. Tried on the real ones: test/coding-agents. */
import type { AcpProfile } from "../../contract/launch.ts";
import { claudeLogin } from "../drivers/claude.ts";
import type { Login } from "../drivers/driver.ts";
import type { Profile } from "./profile.ts";

const plain: Profile = {
  permissions: "allow",
  mode: null,
  compactCommand: "/compact",
  sessionRequest: () => ({}),
  signIn: null,
  login: null,
  countsTokens: false,
  told: { way: "over ACP, as an addition to its own instructions", listsSkills: false, isByFile: false },
  errors: [],
};

/** @param of the variable for a key; by what it begins with, where providers tell theirs apart */
const byKey = (variables: readonly string[], of: (key: string) => string | undefined = () => undefined): Login => ({
  linkArguments: null,
  variables,
  variableOf: (key) => of(key) ?? variables[0] ?? "",
});

const keysOfProviders: readonly [string, string][] = [
  ["sk-ant-", "ANTHROPIC_API_KEY"],
  ["sk-or-", "OPENROUTER_API_KEY"],
  ["AIza", "GEMINI_API_KEY"],
];

export const profiles: Record<AcpProfile, Profile> = {
  /** our own agent without a model: it asks for nothing, and has no provider that could fail */
  script: plain,
  /** in any other mode a model of its own judges each call of a tool, ours too */
  codex: {
    ...plain,
    mode: "agent-full-access",
    /** it takes skills from `.agents/skills` in there */
    sessionRequest: (plugin) => ({ additionalDirectories: [plugin] }),
    told: { ...plain.told, listsSkills: true },
    signIn: "api-key",
    login: byKey(["OPENAI_API_KEY"]),
    countsTokens: true,
  },
  gemini: {
    ...plain,
    mode: "yolo",
    compactCommand: null, // it has `/compress`, but not over ACP (0.61.0), and compresses by itself
    login: byKey(["GEMINI_API_KEY"]),
    told: {
      way: "as the context of an extension, .gemini/extensions/hive of its home",
      listsSkills: true,
      isByFile: true,
    },
  },
  opencode: {
    ...plain,
    login: byKey(
      ["OPENAI_API_KEY", ...keysOfProviders.map(([, variable]) => variable)],
      (key) => keysOfProviders.find(([beginning]) => key.startsWith(beginning))?.[1],
    ),
    told: { way: "as one of the instructions of its configuration", listsSkills: true, isByFile: true },
    countsTokens: true,
  },
  claude: {
    ...plain,
    /** as for codex: `auto`, which it begins with, has a model judge */
    mode: "default",
    /** what somebody wrote is never taken for its commands and file names */
    sessionRequest: (plugin) => ({
      // Neither instructions nor hooks from the agent's own directory, which it can write: as the driver `claude` has it.
      _meta: {
        claudeCode: {
          options: { verbatimPrompts: true, settingSources: [], plugins: [{ type: "local", path: plugin }] },
        },
      },
    }),
    told: { ...plain.told, listsSkills: true },
    login: { ...claudeLogin, linkArguments: ["--cli", "auth", "login", "--claudeai"] },
    countsTokens: true,
  },
};
