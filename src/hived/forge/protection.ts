/** The rule of main in hive/agents, which makes an approval worth something: written, read back, and watched. */
import type { Core } from "../core.ts";
import { requireOperator } from "./accounts.ts";
import type { Forge } from "./client.ts";
import { type Difference, difference, keep, type Piece } from "./difference.ts";
import { agentsRepo, protectedBranch, protection } from "./plan.ts";
import { tellRepaired } from "./tell.ts";
import type { Protection } from "./verbs/layout.ts";

/** Made once there is something that it protects: before that it would keep the first content out. */
export const protectionPiece = (forge: Forge): Piece => ({
  async look(): Promise<Difference[]> {
    const admin = forge.as("hive-admin");
    const what = `rule of ${protectedBranch} in ${agentsRepo}`;
    const found = await admin.readProtection(agentsRepo, protectedBranch);
    const make = () => admin.createProtection(agentsRepo, protectedBranch, protection);
    if (!found) return [difference(what, ruleText(protection, Object.keys(protection)), null, make)];
    const wrong = differences(found);
    if (wrong.length === 0) return [];
    const change = () => admin.editProtection(agentsRepo, protectedBranch, protection);
    return [difference(what, ruleText(protection, wrong), ruleText(found, wrong), change)];
  },
});

/**
 * A rule beside ours may keep out who should push, or count in the place of ours: of names that differ in case alone the
 * older rule does (seen on Forgejo 7.0.16: `effective_branch_protection_name` of a branch).
 */
export const extraRulesPiece = (forge: Forge, repo: string): Piece => ({
  async look() {
    const admin = forge.as("hive-admin");
    const wanted = repo === agentsRepo ? [protectedBranch] : [];
    const extra = (await admin.listProtections(repo)).filter((name) => !wanted.includes(name));
    return extra.map((name) =>
      difference(`rule ${name} in ${repo}`, "no such rule", "one", () => admin.deleteProtection(repo, name)),
    );
  },
});

const ruleText = (rule: Protection, fields: string[]): string =>
  fields.map((field) => `${field}: ${rule[field as keyof Protection]}`).join(", ");

/** The fields in which a rule is not as it should be. */
const differences = (rule: Protection): string[] =>
  (Object.keys(protection) as (keyof Protection)[]).filter(
    (field) => JSON.stringify(rule[field]) !== JSON.stringify(protection[field]),
  );

/**
 * Puts a rule right that somebody has changed, and tells it.
 * @throws Fault when the forge keeps another rule than the one that it was given; Refusal when the operator is somebody else
 */
export async function keepProtection(core: Core, forge: Forge): Promise<void> {
  if (!(await forge.as("hive-admin").readBranch(agentsRepo, protectedBranch))) return;
  await requireOperator({ core, forge }); // a rule names whoever has the name now
  for (const piece of [extraRulesPiece(forge, agentsRepo), protectionPiece(forge)]) {
    const { repaired } = await keep(piece, () => undefined);
    await tellRepaired(core, repaired);
  }
}
