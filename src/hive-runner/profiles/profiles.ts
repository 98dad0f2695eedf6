/** The coding agents that are known, by the name that agent.yaml gives them. */
import type { AcpProfile } from "../../contract/launch.ts";
import type { Profile } from "./profile.ts";
import { scriptProfile } from "./script.ts";

export const profiles: Record<AcpProfile, Profile> = {
  script: scriptProfile,
  codex: { permissions: "allow", compactCommand: "/compact", errors: [] },
  gemini: { permissions: "allow", compactCommand: "/compress", errors: [] },
  opencode: { permissions: "allow", compactCommand: "/compact", readsPromptFile: true, errors: [] },
  claude: { permissions: "allow", compactCommand: "/compact", errors: [] },
};
