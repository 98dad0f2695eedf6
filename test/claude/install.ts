/** The real Claude Code: some 400 MB. */
import { installPackage } from "../support/install-package.ts";

/** The newest that was tried with the driver. */
export const claudeVersion = "2.1.332";

/** Its native program, which npm brings as a package of the platform; null, said loudly, where npm has it not. */
export const installClaude = (): Promise<string | null> =>
  installPackage("claude-code", {
    package: "@anthropic-ai/claude-code",
    version: claudeVersion,
    program: `@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`,
  });
