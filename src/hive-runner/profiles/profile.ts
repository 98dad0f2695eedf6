/** The quirks of each coding agent that is spoken to by ACP, as data. */
import type { Words } from "../outcome.ts";

export type Profile = {
  /**
   * How its requests for permission are answered. Its sandbox and the forge are what limits an agent, and nobody is there
   * to be asked, so what comes up is allowed where that is so.
   */
  permissions: "allow" | "reject";
  /** its own command that makes the conversation smaller; null when it has none */
  compactCommand: string | null;
  /** it is configured to read what it is told from the file: see hived/agents/coding-agents.ts */
  readsPromptFile?: true;
  /** what it is known to say when it fails, before the general list is tried */
  errors: Words;
};
