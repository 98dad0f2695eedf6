/** How the operator gets into the forge's own pages. */
import { join } from "node:path";
import type { ForgeWayIn } from "../../contract/routes.ts";
import { firstPassword } from "./accounts.ts";
import { operator } from "./plan.ts";
import type { ProvisionParts } from "./provision.ts";

/** @param secretsDirectory hived's own, where the first password lies */
export async function forgeWayIn(
  parts: Pick<ProvisionParts, "forge" | "kind" | "secrets">,
  secretsDirectory: string,
): Promise<ForgeWayIn> {
  const { forge, kind } = parts;
  if (kind === "embedded")
    return { kind: "link", url: await forge.as("hive-admin").createSignInLink(forge.url, operator) };
  return firstPassword(parts) !== undefined
    ? { kind: "password", user: operator, file: join(secretsDirectory, "operator-password") }
    : { kind: "own", user: operator };
}
