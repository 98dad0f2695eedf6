/** `hive token`: its commands, each with a file of its own that is loaded when it is called. */
import type { Command } from "commander";

/** @param home the option that tells where the hive lives */
export function addToken(hive: Command, home: readonly [flags: string, description: string]): void {
  const token = hive.command("token").description("look after the hive's tokens on its forge").helpCommand(false);
  token
    .command("rotate")
    .description("replace the forge token of an agent, hive-bot or the operator, or of all; no turn is lost by it")
    .argument("[user]", "whose; all when it is left out")
    .option(...home)
    .action(async (user, options) => {
      const { tokenRotate } = await import("./token-rotate.ts");
      process.exitCode = await tokenRotate(user, options);
    });
}
