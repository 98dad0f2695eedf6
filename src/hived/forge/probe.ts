/** Whether a forge will do, found out before anything on it is changed; what is missing is said all at once. */
import { Refusal } from "../../contract/refusal.ts";
import type { Clock } from "../../daemon/clock.ts";
import type { Core } from "../core.ts";
import { drawDomain, emailOf, isOfSomeHive } from "./addresses.ts";
import type { Forge, ForgeVerbs } from "./client.ts";
import { ForgeUnavailable, isRefused } from "./errors.ts";
import type { ForgeHealthKeeper } from "./health.ts";
import type { LayoutParts } from "./layout.ts";
import { isOrgOurs } from "./organizations.ts";
import { bot, organizations } from "./plan.ts";

type Parts = LayoutParts & { health: ForgeHealthKeeper; signal: AbortSignal };

/** At a start the forge comes up beside us: a look every so often is sooner than work that failed and is tried again. */
const lookEveryMs = 100;
const lookForMs = 15_000;

/** @throws Refusal `weak_admin_token`, `name_taken`; ForgeUnavailable when the forge does not answer in time */
export async function probeForge(parts: Parts): Promise<void> {
  const { core, forge, health, kind, signal } = parts;
  const admin = forge.as("hive-admin");
  const who = await firstAnswer(admin, core.clock, signal).catch((error: unknown) => {
    throw isRefused(error, 403) ? weak([`may not even say whose it is: ${error.message}`]) : error;
  });
  health.noteVersion(await admin.readVersion());
  if (!who.isAdmin) throw weak([`is ${who.name}'s, who is no site administrator`]);
  // The bot is the first of all that is made: once it is there, the forge has been found good.
  await drawDomain(parts);
  const email = (await admin.findUser(bot))?.email;
  if (email === emailOf(core, bot)) return;
  if (email !== undefined && isOfSomeHive(email)) throw anotherHive;
  const refused = kind === "external" ? await admin.listRefusedScopes() : [];
  if (refused.length > 0) throw weak(refused.map((scope) => `lacks the scope ${scope}`));
  await checkNames(core, forge);
}

const weak = (reasons: string[]) =>
  new Refusal(
    "weak_admin_token",
    `The forge's admin token ${reasons.join(", and ")}.`,
    "Give one of a site admin with all scopes.",
  );

const anotherHive = new Refusal(
  "name_taken",
  "This forge serves another hive.",
  "Choose another forge, or start the hive that it serves in its own home.",
);

async function firstAnswer(admin: ForgeVerbs, clock: Clock, signal: AbortSignal): ReturnType<ForgeVerbs["whoAmI"]> {
  const until = clock.now() + lookForMs;
  for (;;) {
    try {
      return await admin.whoAmI();
    } catch (error) {
      if (!(error instanceof ForgeUnavailable) || signal.aborted || clock.now() >= until) throw error;
    }
    await clock.wait(lookEveryMs, signal);
  }
}

/** Where there is no bot of ours, organizations of such names are somebody else's, unless this hive has made them. */
async function checkNames(core: Core, forge: Forge): Promise<void> {
  const admin = forge.as("hive-admin");
  for (const { name } of organizations) {
    if (core.db.read((reader) => isOrgOurs(reader, name))) continue;
    if (!((await admin.findOrg(name)) || (await admin.findUser(name)))) continue;
    const next = "Rename it there, and start again, or choose another forge.";
    throw new Refusal("name_taken", `The forge has a user or an organization ${name} that is not of this hive.`, next);
  }
}
