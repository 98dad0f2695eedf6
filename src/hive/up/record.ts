/** up.json: what a hive decided at its first start and stays with, and where its running instance can be reached. */
import { join } from "node:path";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";
import { replaceFile } from "../../daemon/replace-file.ts";
import { type Home, readIfThere } from "./home.ts";

const ForgeRecord = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("embedded"), port: z.number().int() }),
  /** `directory`: where its data lies in the home; `forge`, unless it was migrated to */
  z.object({ kind: z.literal("managed"), port: z.number().int(), directory: z.string().optional() }),
  z.object({ kind: z.literal("external"), url: z.string(), adminTokenFile: z.string() }),
]);
export type ForgeRecord = z.infer<typeof ForgeRecord>;

const UpRecord = z.object({
  forge: ForgeRecord,
  dashboardPort: z.number().int(),
  nudgeAfterHours: z.number().int().positive().optional(),
  /** the runtime directory of the last start: another shell may have another XDG_RUNTIME_DIR */
  runtime: z.string(),
});
export type UpRecord = z.infer<typeof UpRecord>;

/** undefined before the first start. @throws Refusal `record_unreadable` when it is somebody else's, or broken. */
export function readRecord(path: string): UpRecord | undefined {
  try {
    const text = readIfThere(path);
    return text === undefined ? undefined : UpRecord.parse(JSON.parse(text));
  } catch (error) {
    const isOthers = (error as NodeJS.ErrnoException).code === "EACCES";
    if (!(isOthers || error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
    throw new Refusal(
      "record_unreadable",
      `${path} cannot be read${isOthers ? " by you" : ""}.`,
      isOthers ? "Ask as the user whose hive it is." : "Correct it, or restore it from a backup.",
    );
  }
}

export const writeRecord = (path: string, record: UpRecord): void =>
  replaceFile(path, `${JSON.stringify(record, null, 2)}\n`);

/** The home with the place of the forge that is recorded. */
export function homeOf(home: Home, forge: ForgeRecord): Home {
  if (forge.kind !== "managed" || forge.directory === undefined) return home;
  const directory = join(home.root, forge.directory);
  return { ...home, forge: directory, adminToken: join(directory, "admin-token") };
}
