/** `hive forge`: its commands, each with a file of its own that is loaded when it is called. */
import type { Command } from "commander";

export function addForge(hive: Command): void {
  const forge = hive.command("forge").description("look after the forge of a hive").helpCommand(false);
  forge
    .command("install")
    .description("download the Forgejo that goes with this version, check its signature, and keep it in the cache")
    .option("--mirror <url...>", "download from there (default: $HIVE_FORGEJO_MIRROR, else where Forgejo is released)")
    .action(async (options) => {
      const { forgeInstall } = await import("./forge-install.ts");
      process.exitCode = await forgeInstall(options);
    });
}
