/** How each coding agent is asked what it is and whether it is signed in, and where its provider is; as data. */
import type { AcpProfile, DriverSpec } from "../../contract/launch.ts";

/** Any of these shows that it is signed in; where there is none, it needs no signing in. */
type SignIn = {
  /** parameters of a command of its own that ends with 0 then; it says so of what is in its home */
  command?: readonly string[];
  /** in its environment */
  variables?: readonly string[];
  /** below the directory that a variable names; what it holds may be outdated */
  file?: { below: "HOME" | "GEMINI_CLI_HOME"; path: string };
};

export type KnownAgent = {
  /** what of its command makes it speak with us, and is left out for anything else */
  serves: readonly string[];
  version: readonly string[];
  signIn: SignIn;
  /** where its provider is, unless one of these variables says another place */
  api: { url: string; variables: readonly string[] } | "none" | "one of many";
};

const anthropic = { url: "https://api.anthropic.com/", variables: ["ANTHROPIC_BASE_URL"] };

/** Read in the programs of 2026-11: codex-acp 2.6.0, Gemini CLI 0.61.0, OpenCode 1.18.33, claude-agent-acp 0.101.0. */
const acp: Record<AcpProfile, KnownAgent> = {
  script: { serves: [], version: ["--version"], signIn: {}, api: "none" },
  codex: {
    serves: [],
    version: ["--version"],
    signIn: { command: ["cli", "login", "status"], variables: ["CODEX_API_KEY", "OPENAI_API_KEY"] },
    api: { url: "https://api.openai.com/", variables: ["OPENAI_BASE_URL"] },
  },
  gemini: {
    serves: ["--acp"],
    version: ["--version"],
    signIn: {
      variables: ["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS"],
      file: { below: "GEMINI_CLI_HOME", path: ".gemini/oauth_creds.json" },
    },
    api: { url: "https://generativelanguage.googleapis.com/", variables: ["GOOGLE_GEMINI_BASE_URL"] },
  },
  opencode: {
    serves: ["acp"],
    version: ["--version"],
    signIn: {
      variables: ["ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"],
      file: { below: "HOME", path: ".local/share/opencode/auth.json" },
    },
    api: "one of many",
  },
  claude: {
    serves: [],
    version: ["--cli", "--version"],
    signIn: { command: ["--cli", "auth", "status"] },
    api: anthropic,
  },
};

const claudeCode: KnownAgent = {
  serves: [],
  version: ["--version"],
  signIn: { command: ["auth", "status"] },
  api: anthropic,
};

export const knownAgentOf = (driver: DriverSpec): KnownAgent =>
  driver.kind === "acp" ? acp[driver.profile] : claudeCode;
