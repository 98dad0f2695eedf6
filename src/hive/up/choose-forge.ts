/** Which forge a hive has: decided at its first start, and kept. */
import { Refusal } from "../../contract/refusal.ts";
import { embeddedForge } from "./embedded.ts";
import { type ExternalForge, externalForge } from "./external.ts";
import type { ForgeSource } from "./forge.ts";
import { findForgejo, managedForge } from "./forgejo.ts";
import type { Home } from "./home.ts";
import { choosePort, defaultPorts } from "./ports.ts";
import type { ForgeRecord } from "./record.ts";

/**
 * The forge of a hive: as recorded, else as asked for, else a Forgejo that is found, else the embedded one.
 * @throws Refusal `forge_is_fixed` when another one is asked for than the hive has.
 */
export async function chooseForge(
  recorded: ForgeRecord | undefined,
  asked: ExternalForge | undefined,
): Promise<ForgeRecord> {
  if (!recorded) return asked ? { kind: "external", ...asked } : newForge();
  if (!asked) return recorded;
  if (recorded.kind === "external" && recorded.url === asked.url) return { kind: "external", ...asked };
  throw new Refusal(
    "forge_is_fixed",
    `This hive has ${recorded.kind === "external" ? `the forge at ${recorded.url}` : `a forge of its own (${recorded.kind})`} and stays with it.`,
    "Choose another home for another forge, with --home or HIVE_HOME.",
  );
}

async function newForge(): Promise<ForgeRecord> {
  const port = await choosePort(defaultPorts.forge);
  return (await findForgejo()) ? { kind: "managed", port } : { kind: "embedded", port };
}

/** @throws Refusal `forgejo_missing` when the Forgejo that a hive was made with is gone. */
export async function openForge(record: ForgeRecord, place: { home: Home; program: string }): Promise<ForgeSource> {
  if (record.kind === "external") return externalForge(record);
  if (record.kind === "embedded") return embeddedForge({ ...place, port: record.port });
  const forgejo = await findForgejo();
  if (forgejo) return managedForge({ ...place, port: record.port }, forgejo);
  throw new Refusal(
    "forgejo_missing",
    "This hive was made with a Forgejo, and none is found now (HIVE_FORGEJO_BIN, PATH, the cache).",
    "Name its binary in HIVE_FORGEJO_BIN; bash must be on PATH too.",
  );
}
