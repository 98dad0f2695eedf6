/** Work `update-docs`: /docs of every sandbox, and what tools read of them, follow main of org-shared/docs. */
import type { FileToWrite } from "../../contract/launch.ts";
import type { ObjectId } from "../../contract/names.ts";
import { docsRepo } from "../forge/plan.ts";
import type { LifecycleParts } from "./parts.ts";

type Keeper = { keep(commit: ObjectId, files: readonly FileToWrite[]): void };

/** They go to the runner in one line, in base64, which may have 64 MiB: what is larger leaves /docs as it is, and is told. */
const mostBytes = 40 * 1024 * 1024;

/** Sends the runner the files of the newest commit, once they are kept here; it finds it done when it has them. */
export async function updateDocs({ forge, runner }: LifecycleParts, docs: Keeper): Promise<void> {
  const bot = forge.as("hive-bot");
  const main = await bot.readBranch(docsRepo, "main");
  if (!main) return;
  const files = await bot.readFiles(docsRepo, main.commit, "", { atMostBytes: mostBytes });
  docs.keep(main.commit, files);
  await runner.call("updateDocs", { commit: main.commit, files });
}
