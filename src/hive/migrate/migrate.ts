/**
 * Moves a stopped hive from its embedded forge to a Forgejo of its own. The embedded forge is read from a copy, so that its
 * data stays as it is; the Forgejo is filled in a directory of its own, and the hive's record names it as the last act.
 * A migration that was cut off is begun anew: what it had made is thrown away, for the hive may have run in between.
 */
import { constants, mkdirSync, readFileSync, rmSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "../../daemon/replace-file.ts";
import type { ChildSpec } from "../up/child.ts";
import { embeddedForge } from "../up/embedded.ts";
import { Fleet } from "../up/fleet.ts";
import type { ForgeSource } from "../up/forge.ts";
import { type Forgejo, managedForge } from "../up/forgejo.ts";
import { type Home, homeRefusal, readIfThere } from "../up/home.ts";
import type { Lock } from "../up/lock.ts";
import { choosePort } from "../up/ports.ts";
import { homeOf, type UpRecord, writeRecord } from "../up/record.ts";
import type { Steps } from "../up/steps.ts";
import { type Api, openApi } from "./api.ts";
import { choosePasswords, finishOrganization, finishUsers, makeOrganization, makeUsers } from "./people.ts";
import { moveRepository } from "./repositories.ts";
import { inventoryText } from "./show.ts";
import { type Inventory, readInventory, type User } from "./source.ts";
import { verify } from "./verify.ts";

export type Migration = {
  home: Home;
  lock: Lock;
  program: string;
  /** names the embedded forge */
  record: UpRecord & { forge: { kind: "embedded" } };
  forgejo: Forgejo;
  isDryRun: boolean;
  steps: Steps;
  signal: AbortSignal;
};

/** Beside `forge`, where the embedded one stays. */
const directory = "forgejo";

/** @throws Fault when a forge does not do what it should; then the hive has its embedded forge as before. */
export async function migrate(migration: Migration): Promise<void> {
  const { home, steps, isDryRun } = migration;
  const scratch = join(home.root, "migrating");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { mode: 0o700 });
  const fleet = new Fleet(isDryRun ? scratch : home.logs, () => undefined);
  try {
    const from = await openOld(migration, fleet, scratch);
    const inventory = await steps.run("Reading the embedded forge", ({ say }) => readInventory(from, say));
    if (isDryRun) return steps.note(`\n${inventoryText(inventory)}\nNothing was changed.\n`);
    await fill(migration, fleet, { from, scratch }, inventory);
  } finally {
    await fleet.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
  switchOver(migration);
}

async function openOld({ steps, ...migration }: Migration, fleet: Fleet, scratch: string): Promise<Api> {
  const copy = { ...migration.home, forge: join(scratch, "forge"), adminToken: join(scratch, "forge/admin-token") };
  await steps.run("Copying the embedded forge", () =>
    cp(migration.home.forge, copy.forge, { recursive: true, mode: constants.COPYFILE_FICLONE }).catch((error) => {
      throw homeRefusal(migration.home.root, error);
    }),
  );
  const source = embeddedForge({ home: copy, program: migration.program, port: await choosePort(0) });
  await steps.run("Starting the copy", () => start(migration, fleet, source, "migrate-embedded"));
  return apiOf(source, migration.signal);
}

async function openNew({ steps, ...migration }: Migration, fleet: Fleet): Promise<Api> {
  const { program, forgejo } = migration;
  const home = newHome(migration);
  rmSync(home.forge, { recursive: true, force: true });
  const source = managedForge({ home, program, port: await choosePort(0) }, forgejo);
  await steps.run(`Making ${source.title}`, async (step) => {
    await source.prepare?.(step);
    await start(migration, fleet, source, "migrate-forgejo");
  });
  return apiOf(source, migration.signal);
}

const recordOf = ({ record }: Pick<Migration, "record">) =>
  ({ kind: "managed", port: record.forge.port, directory }) as const;
const newHome = ({ home, record }: Pick<Migration, "home" | "record">): Home => homeOf(home, recordOf({ record }));

function start(
  { lock, signal }: Pick<Migration, "lock" | "signal">,
  fleet: Fleet,
  { spec }: ForgeSource,
  name: string,
): Promise<void> {
  if (!spec) throw new Error("a forge of ours has a program");
  const named: ChildSpec = { ...spec, name, lock: lock.descriptor };
  return fleet.start([named], signal);
}

const apiOf = ({ forge }: ForgeSource, signal: AbortSignal): Api =>
  openApi(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim(), signal);

async function fill(
  migration: Migration,
  fleet: Fleet,
  { from, scratch }: { from: Api; scratch: string },
  inventory: Inventory,
): Promise<void> {
  const { steps } = migration;
  const { users, organizations, repositories } = inventory;
  const to = await openNew(migration, fleet);
  const passwords = choosePasswords(users, readIfThere(operatorPassword(migration))?.trim());
  const notes: string[] = [];
  const move = { from, to, passwords, scratch: join(scratch, "git"), note: (text: string) => void notes.push(text) };
  await steps.run(`Making ${users.length} users and ${organizations.length} organizations`, async () => {
    await makeUsers(to, users, passwords);
    for (const organization of organizations) await makeOrganization(to, organization);
  });
  await steps.run(`Moving ${repositories.length} repositories`, async ({ say }) => {
    for (const repo of repositories) await moveRepository(move, repo, organizations, say);
    for (const organization of organizations) await finishOrganization(to, organization);
    await finishUsers(to, users, isOurs);
  });
  await steps.run("Comparing the two", () => verify(from, to, inventory));
  keepPasswords(migration, users, passwords);
  for (const note of notes) steps.note(note);
}

/** By such addresses hived knows its users (hived/forge/addresses.ts); it gives them passwords and tokens of its own. */
const isOurs = ({ email }: User): boolean => /@([0-9a-f]+\.)?hive\.invalid$/.test(email);

const operatorPassword = ({ home }: Pick<Migration, "home">): string => join(home.hived, "secrets/operator-password");
const passwordFile = (migration: Migration): string => join(newHome(migration).forge, "first-passwords");

/** Nobody can read a password out of the embedded forge, so everybody has a new one for the first time. */
function keepPasswords(migration: Migration, users: readonly User[], passwords: ReadonlyMap<string, string>): void {
  const others = users.filter((user) => !isOurs(user));
  if (passwords.has("operator")) replaceFile(operatorPassword(migration), `${passwords.get("operator")}\n`);
  if (others.length === 0) return;
  replaceFile(passwordFile(migration), others.map(({ login }) => `${login} ${passwords.get(login)}\n`).join(""));
  const names = others.map(({ login }) => login).join(", ");
  migration.steps.note(`New first passwords of ${names} are in ${passwordFile(migration)}; they have to change them.`);
}

/** The same port: addresses in texts, and clones of people, lead where they led. */
function switchOver(migration: Migration): void {
  const { home, record, forgejo, steps, isDryRun } = migration;
  if (isDryRun) return;
  writeRecord(home.record, { ...record, forge: recordOf(migration) });
  steps.note(
    `\nThe hive is on Forgejo ${forgejo.version} now: start it with \`hive up\`. Proposals that you had approved and that were not merged yet wait for your approval again. The embedded forge's data stays in ${home.forge}; delete it when you miss nothing.\n`,
  );
}
