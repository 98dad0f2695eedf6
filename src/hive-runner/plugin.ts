/**
 * The plugin of a launch: what coding agents take their skills from, each by its own rules. What is not there any more is gone
 * at the next start of a process, and a skill's page is a link, so that it is as new as the docs.
 *
 *   skills/<name>                links to the directories of skills: what OpenCode is configured with (1.18.33)
 *   .agents/skills               where Codex looks in a further directory of a session (codex-acp 2.6.0)
 *   .claude-plugin/plugin.json   Claude Code, however it is spoken to (2.1.332)
 *   gemini-extension.json        Gemini CLI (0.61.0), which is also told what is in prompt.md
 */
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { placeNames } from "../contract/launch.ts";
import type { Skill } from "../contract/told.ts";

/** @param directory the launch's, which holds the prompt's file beside the plugin */
export async function writePlugin(directory: string, skills: readonly Skill[]): Promise<void> {
  const plugin = join(directory, placeNames.plugin);
  await rm(plugin, { recursive: true, force: true });
  for (const name of ["skills", ".agents", ".claude-plugin"]) await mkdir(join(plugin, name), { recursive: true });
  for (const { name, file } of skills) await symlink(dirname(file), join(plugin, "skills", name));
  await symlink("../skills", join(plugin, ".agents/skills"));
  await symlink(`../${placeNames.prompt}`, join(plugin, placeNames.prompt));
  await writeFile(join(plugin, ".claude-plugin/plugin.json"), JSON.stringify({ name: "hive" }));
  const extension = { name: "hive", version: "1.0.0", contextFileName: placeNames.prompt };
  await writeFile(join(plugin, "gemini-extension.json"), JSON.stringify(extension));
}
