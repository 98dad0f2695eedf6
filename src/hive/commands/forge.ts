/** `hive forge`: its commands, each with a file of its own that is loaded when it is called. */
import type { Command } from "commander";

/** @param home the option that tells where the hive lives */
export function addForge(hive: Command, home: readonly [flags: string, description: string]): void {
  const forge = hive.command("forge").description("look after the forge of a hive").helpCommand(false);
  forge
    .command("check")
    .description("tell where the forge of a running hive is not as it should be: settings, teams, rules, tokens, hooks")
    .option(...home)
    .option("--json", "for programs; docs/cli.md describes it")
    .option("--fix", "put it right")
    .action(async (options) => {
      const { forgeCheck } = await import("./forge-check.ts");
      process.exitCode = await forgeCheck(options);
    });
  forge
    .command("install")
    .description("download the Forgejo that goes with this version, check its signature, and keep it in the cache")
    .option("--mirror <url...>", "download from there (default: $HIVE_FORGEJO_MIRROR, else where Forgejo is released)")
    .action(async (options) => {
      const { forgeInstall } = await import("./forge-install.ts");
      process.exitCode = await forgeInstall(options);
    });
  forge
    .command("migrate")
    .description("move everything from the embedded forge of a stopped hive to a Forgejo of its own")
    .option(...home)
    .option("--dry-run", "show what would move, and change nothing")
    .action(async (options) => {
      const { forgeMigrate } = await import("./forge-migrate.ts");
      process.exitCode = await forgeMigrate(options);
    });
}
