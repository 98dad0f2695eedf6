/** `hive token`: its commands, each with a file of its own that is loaded when it is called. */
import type { Command } from "commander";
import { numeral } from "../whole-number.ts";

/** @param home the option that tells where the hive lives */
export function addToken(hive: Command, home: readonly [flags: string, description: string]): void {
  const token = hive
    .command("token")
    .description("look after the hive's tokens: on its forge, and of MCP clients")
    .helpCommand(false);
  token
    .command("create")
    .description("make a token with which an MCP client outside of a sandbox calls an agent's tools; printed once")
    .requiredOption("--mcp <agent>", "whose tools")
    .option(...home)
    .action(async (options) => {
      const { tokenCreate } = await import("./token-mcp.ts");
      process.exitCode = await tokenCreate(options);
    });
  token
    .command("list")
    .description("show such tokens: whose each is, when it was made and when it was last used")
    .option(...home)
    .option("--json", "for programs; docs/cli.md describes it")
    .action(async (options) => {
      const { tokenList } = await import("./token-mcp.ts");
      process.exitCode = await tokenList(options);
    });
  token
    .command("revoke")
    .description("end such a token at once")
    .argument("<number>", "its number in `hive token list`", numeral)
    .option(...home)
    .action(async (number, options) => {
      const { tokenRevoke } = await import("./token-mcp.ts");
      process.exitCode = await tokenRevoke(number, options);
    });
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
