/** The coding agents that are known, by the name that agent.yaml gives them. Tried on the real ones: test/coding-agents. */
import type { AcpProfile } from "../../contract/launch.ts";
import type { Profile } from "./profile.ts";

const plain: Profile = {
  permissions: "allow",
  mode: null,
  compactCommand: "/compact",
  sessionMeta: null,
  signIn: null,
  countsTokens: false,
  readsPromptFile: false,
  errors: [],
};

export const profiles: Record<AcpProfile, Profile> = {
  /** our own agent without a model: it asks for nothing, and has no provider that could fail */
  script: plain,
  /** in any other mode a model of its own judges each call of a tool, ours too */
  codex: { ...plain, mode: "agent-full-access", signIn: "api-key", countsTokens: true },
  gemini: { ...plain, mode: "yolo", compactCommand: "/compress" },
  opencode: { ...plain, readsPromptFile: true, countsTokens: true },
  claude: {
    ...plain,
    /** as for codex: `auto`, which it begins with, has a model judge */
    mode: "default",
    /** what somebody wrote is never taken for its commands and file names */
    sessionMeta: { claudeCode: { options: { verbatimPrompts: true } } },
    countsTokens: true,
  },
};
