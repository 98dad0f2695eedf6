/** The quirks of each coding agent that is spoken to by ACP, as data. How it is started: hived/agents/coding-agents.ts. */
import type { NewSessionRequest } from "@agentclientprotocol/sdk";
import type { Driver, Login } from "../drivers/driver.ts";
import type { Words } from "../outcome.ts";

export type Profile = {
  /**
   * How its requests for permission are answered. Its sandbox and the forge are what limits an agent, and nobody is there
   * to be asked, so what comes up is allowed where that is so.
   */
  permissions: "allow" | "reject";
  /** the mode that it is to work in, where it has that one; null: the one that it begins with */
  mode: string | null;
  /** its own command that makes the conversation smaller; null when it has none */
  compactCommand: string | null;
  /** said to it when a conversation is opened, besides the standard. @param plugin the directory with its skills */
  sessionRequest: (plugin: string) => Partial<NewSessionRequest>;
  /** how it is signed in with what its environment has, when it refuses to begin; null: it needs no such call */
  signIn: string | null;
  /** how it is signed in from outside; null where it can't be */
  login: Login | null;
  /** it counts tokens: a turn that it counted none for had no model */
  countsTokens: boolean;
  /** `isByFile`: it is configured to read what it is told from its file: see hived/agents/coding-agents.ts */
  told: Driver["told"] & { isByFile: boolean };
  /** what it is known to say when it fails, before the general list is tried */
  errors: Words;
};
