/** What a start prints at its end: where the hive's pages are, and the operator's way in. */
import type { ForgeHealth } from "../../contract/facts.ts";
import type { ForgeWayIn, routes } from "../../contract/routes.ts";
import type { Client } from "../../rpc/client.ts";

/** Asks a running hived for fresh ways in. @throws Fault while it does not answer. */
export async function readLinks(hived: Client<typeof routes, "admin">): Promise<string> {
  const { forge } = await hived.readStatus({});
  const link = await hived.createSignInLink({});
  const minutes = Math.max(1, Math.round((link.expiresAt - Date.now()) / 60_000));
  return linksText({ forge, wayIn: link.forge, dashboard: link.url, minutes });
}

type Links = { forge: ForgeHealth; wayIn: ForgeWayIn; dashboard: string; minutes: number };

export function linksText({ forge, wayIn, dashboard, minutes }: Links): string {
  return [
    `  Dashboard  ${dashboard}`,
    `             works once, within ${minutes} minutes; \`hive up\` once more prints a new one`,
    `  Forge      ${wayIn.kind === "link" ? wayIn.url : forge.url}`,
    `             ${forgeWayIn(wayIn)}`,
    "",
  ].join("\n");
}

function forgeWayIn(wayIn: ForgeWayIn): string {
  switch (wayIn.kind) {
    case "link":
      return "signs you in as the operator, once";
    case "password":
      return `user ${wayIn.user}, first password in ${wayIn.file}`;
    case "own":
      return `sign in as ${wayIn.user}, as you are used to`;
  }
}
