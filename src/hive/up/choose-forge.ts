/** Which forge a hive has: decided at its first start, and kept. */
import { Refusal } from "../../contract/refusal.ts";
import { embeddedForge } from "./embedded.ts";
import { type ExternalForge, externalForge } from "./external.ts";
import type { ForgeSource } from "./forge.ts";
import { findForgejo, managedForge } from "./forgejo.ts";
import type { Home } from "./home.ts";
import { choosePort, defaultPorts } from "./ports.ts";
import { type ForgeRecord, homeOf } from "./record.ts";
import { databaseVersion } from "./upgrade.ts";

/**
 * The forge of a hive: as recorded, else as asked for, else a Forgejo that is found or can be had, else the embedded one.
 * @param obtain brings a Forgejo onto this machine, and says whether it has
 * @throws Refusal `forge_is_fixed` when another one is asked for than the hive has.
 */
export async function chooseForge(
  recorded: ForgeRecord | undefined,
  { external, port }: { external: ExternalForge | undefined; port: number | undefined },
  obtain: () => Promise<boolean>,
): Promise<ForgeRecord> {
  if (!recorded) return external ? { kind: "external", ...external } : newForge(port, obtain);
  if (!external && port === undefined) return recorded;
  if (recorded.kind === "external" && recorded.url === external?.url) return { kind: "external", ...external };
  if (recorded.kind !== "external" && recorded.port === port) return recorded;
  throw new Refusal(
    "forge_is_fixed",
    `This hive has ${recorded.kind === "external" ? `the forge at ${recorded.url}` : `a forge of its own (${recorded.kind}, port ${recorded.port})`} and stays with it.`,
    "Choose another home for another forge, with --home or HIVE_HOME; `hive forge migrate` moves an embedded one to Forgejo.",
  );
}

async function newForge(asked: number | undefined, obtain: () => Promise<boolean>): Promise<ForgeRecord> {
  const isThere = (await findForgejo()) !== undefined || (await obtain());
  const port = asked ?? (await choosePort(defaultPorts.forge));
  return isThere ? { kind: "managed", port } : { kind: "embedded", port };
}

/** @throws Refusal `forgejo_missing` when the Forgejo that a hive was made with is gone, `forgejo_too_old` for an older one. */
export async function openForge(record: ForgeRecord, place: { home: Home; program: string }): Promise<ForgeSource> {
  if (record.kind === "external") return externalForge(record);
  if (record.kind === "embedded") return embeddedForge({ ...place, port: record.port });
  const home = homeOf(place.home, record);
  const used = databaseVersion(home);
  const forgejo = await findForgejo(used);
  if (forgejo) return managedForge({ ...place, home, port: record.port }, forgejo);
  const older = await findForgejo();
  if (older)
    throw new Refusal(
      "forgejo_too_old",
      `The forge's database is of Forgejo ${used}, and ${older.path} is the older ${older.version}.`,
      `Run \`hive forge install\`, or name Forgejo ${used} or later in HIVE_FORGEJO_BIN.`,
    );
  throw new Refusal(
    "forgejo_missing",
    "This hive was made with a Forgejo, and none is found now (HIVE_FORGEJO_BIN, PATH, the cache).",
    "Run `hive forge install`, or name its binary in HIVE_FORGEJO_BIN; bash must be on PATH too.",
  );
}
