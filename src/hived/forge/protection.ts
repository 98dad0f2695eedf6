/** The rule of main in hive/agents, which makes an approval worth something: written, read back, and watched. */
import { Fault } from "../../contract/fault.ts";
import type { Core } from "../core.ts";
import type { Forge } from "./client.ts";
import { agentsRepo, protectedBranch, protection } from "./plan.ts";
import type { Protection } from "./verbs/layout.ts";

/**
 * Makes the rule what it should be, once there is something that it protects: before that it would keep the first content
 * out. A rule that somebody changed is put right, and the change is told.
 * @throws Fault when the forge keeps another rule than the one that it was given
 */
export async function keepProtection(core: Core, forge: Forge): Promise<void> {
  const admin = forge.as("hive-admin");
  const before = await admin.readProtection(agentsRepo, protectedBranch);
  if (before && differences(before).length === 0) return;
  if (!(await admin.readBranch(agentsRepo, protectedBranch))) return;
  if (before) await admin.editProtection(agentsRepo, protectedBranch, protection);
  else await admin.createProtection(agentsRepo, protectedBranch, protection);
  const after = await admin.readProtection(agentsRepo, protectedBranch);
  const kept = after ? differences(after) : ["all of it"];
  if (kept.length > 0)
    throw new Fault(`The forge does not take the rule of ${protectedBranch} in ${agentsRepo}: ${kept.join(", ")}.`);
  if (before) await tellDrift(core, differences(before));
}

/** The fields in which a rule is not as it should be. */
const differences = (rule: Protection): string[] =>
  (Object.keys(protection) as (keyof Protection)[]).filter(
    (field) => JSON.stringify(rule[field]) !== JSON.stringify(protection[field]),
  );

function tellDrift(core: Core, fields: string[]): Promise<void> {
  const text = `The rule of ${protectedBranch} in ${agentsRepo} had been changed (${fields.join(", ")}) and was put right.`;
  return core.db.write((tx) => core.events.append(tx, { kind: "Note", text }, core.clock.now()));
}
