/** The coding agents that agent.yaml can name, as programs: what starts them, and what they are built from. */
import { join } from "node:path";
import type { AgentConfig } from "./agent-yaml.ts";

type CodingAgent = {
  /** run when agent.yaml names no command; its program is looked for in the agent's PATH */
  command: readonly string[];
  /** without it, it would wait for a person, look for a browser, or leave out the hive's tools */
  env: Readonly<Record<string, string>>;
  /** besides, has it read what it is told, and its skills, from there, where the driver can't tell it */
  readPrompt?: (files: { promptFile: string; plugin: string }) => Record<string, string>;
  /** has it keep its sign-in and conversations in that directory, which no other agent sees */
  keepIn?: (directory: string) => Record<string, string>;
  /** in that directory: where the launch's plugin is one of its own, see hive/with-link.sh */
  pluginLink?: string;
  /** variables in which it looks for what it signs in with: see hive/with-secrets.sh; left out: it can't be signed in from here */
  secrets?: readonly string[];
  /** it can also be signed in by a link */
  signsInByLink?: boolean;
  /** what inputs.json pins for it: the name there, and the package in npm's registry */
  input: { name: string; package: string } | null;
};

/** Claude Code, however it is spoken to. */
const claudeCode = {
  env: {
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // No turn begins by itself: see also the tools that the driver takes away.
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1",
    CLAUDE_CODE_DISABLE_CRON: "1",
  },
  keepIn: (directory: string) => ({ CLAUDE_CONFIG_DIR: directory }),
  secrets: ["ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"],
  signsInByLink: true,
};

const acp: Record<Extract<AgentConfig["harness"], { driver: "acp" }>["profile"], CodingAgent> = {
  script: { command: [], env: {}, input: null }, // a part of ours: see runtimes/view.ts
  codex: {
    command: ["codex-acp"],
    env: { NO_BROWSER: "1" },
    keepIn: (directory) => ({ CODEX_HOME: directory }),
    secrets: ["OPENAI_API_KEY"],
    input: { name: "codex-acp", package: "@agentclientprotocol/codex-acp" },
  },
  gemini: {
    command: ["gemini", "--acp"],
    env: { GEMINI_CLI_TRUST_WORKSPACE: "true", NO_BROWSER: "1" },
    keepIn: (directory) => ({ GEMINI_CLI_HOME: directory }),
    pluginLink: ".gemini/extensions/hive",
    secrets: ["GEMINI_API_KEY"],
    input: { name: "gemini-cli", package: "@google/gemini-cli" },
  },
  opencode: {
    command: ["opencode", "acp"],
    env: {},
    readPrompt: ({ promptFile, plugin }) => ({
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        instructions: [promptFile],
        skills: { paths: [join(plugin, "skills")] },
      }),
    }),
    secrets: ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"],
    input: { name: "opencode", package: "opencode-ai" },
  },
  claude: {
    ...claudeCode,
    command: ["claude-agent-acp"],
    input: { name: "claude-agent-acp", package: "@agentclientprotocol/claude-agent-acp" },
  },
};
const claude: CodingAgent = {
  ...claudeCode,
  command: ["claude"],
  input: { name: "claude-code", package: "@anthropic-ai/claude-code" },
};

/** The coding agent that a harness names. */
export const codingAgentOf = (harness: AgentConfig["harness"]): CodingAgent =>
  harness.driver === "acp" ? acp[harness.profile] : claude;

/** Names in inputs.json that some coding agent is built from. */
export const knownInputs: readonly string[] = [...Object.values(acp), claude].flatMap(({ input }) =>
  input ? [input.name] : [],
);
