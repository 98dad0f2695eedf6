/** Work `update-docs`: /docs of every sandbox follows main of org-shared/docs. */
import { docsRepo } from "../forge/plan.ts";
import type { LifecycleParts } from "./parts.ts";

/** Sends the runner the files of the newest commit; it finds it done when it has them. */
export async function updateDocs({ forge, runner }: LifecycleParts): Promise<void> {
  const bot = forge.as("hive-bot");
  const main = await bot.readBranch(docsRepo, "main");
  if (!main) return;
  const files = await bot.readFiles(docsRepo, main.commit, "");
  await runner.call("updateDocs", { commit: main.commit, files });
}
