import type { Drift } from "../../contract/forge.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";

type Options = { home?: string; json?: boolean; fix?: boolean };

/** Tells where the forge of a running hive is not as it should be, or puts that right. @throws Refusal `not_running` */
export async function forgeCheck({ json, fix, ...options }: Options): Promise<number> {
  return withHived(options, async (hived) => {
    const found = fix ? await hived.repairForge({}) : await hived.checkForge({});
    const text = "drift" in found ? checkText(found.drift) : repairText(found.repaired, found.left);
    process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : text);
    const open = "drift" in found ? found.drift : found.left;
    return open.length === 0 ? exitCodes.ok : exitCodes.drift;
  });
}

export const checkText = (drift: readonly Drift[]): string =>
  drift.length === 0
    ? "The forge is as it should be.\n"
    : `${driftTable(drift)}\n\`hive forge check --fix\` puts this right.\n`;

export function repairText(repaired: readonly Drift[], left: readonly string[]): string {
  const nothing = left.length === 0 ? "The forge was as it should be.\n" : "";
  const table = repaired.length === 0 ? nothing : `${driftTable(repaired)}\nThis was put right.\n`;
  return [table, ...left.map((sentence) => `${sentence}\n`)].join("");
}

function driftTable(drift: readonly Drift[]): string {
  const rows = drift.map(({ what, wanted, found }) => [what, wanted, found ?? "missing"]);
  return `${columns([["what", "wanted", "found"], ...rows]).join("\n")}\n`;
}
