import type { Rotation } from "../../contract/forge.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";

/** Gives a forge user of a running hive a new token, or each of them. @throws Refusal `not_running`, `unknown_user` */
export async function tokenRotate(user: string | undefined, options: { home?: string }): Promise<number> {
  return withHived(options, async (hived) => {
    const { rotations } = await hived.rotateTokens({ user: user ?? null });
    process.stdout.write(rotationText(rotations));
    return rotations.every(({ problem }) => problem === null) ? exitCodes.ok : exitCodes.unwell;
  });
}

export function rotationText(rotations: readonly Rotation[]): string {
  const rows = rotations.map(({ user, problem }) => [user, problem ?? "has a new token"]);
  const isAny = rotations.some(({ problem }) => problem === null);
  const next = isAny ? "The old ones end in a minute, and an agent's not before the turn that it runs.\n" : "";
  return `${columns(rows).join("\n")}\n${next}`;
}
