/** The dashboard as the forge knows it: an application that people sign in to with their account (OAuth2). */
import { z } from "zod";
import type { Tokens } from "../agents/tokens.ts";
import type { Forge } from "./client.ts";
import { difference, type Piece } from "./difference.ts";

const appName = "Hyperhive dashboard";
const secretName = "dashboard-client";

const Client = z.object({ id: z.number(), clientId: z.string(), clientSecret: z.string(), redirectUri: z.string() });
export type SignInClient = z.output<typeof Client>;

type Secrets = Pick<Tokens, "read" | "write" | "remove">;

/** Undefined until the application is made; it is provisioning's to make. */
export function readSignInClient(secrets: Pick<Tokens, "read">): SignInClient | undefined {
  const kept = secrets.read(secretName);
  return kept === undefined ? undefined : Client.parse(JSON.parse(kept));
}

/** Where the forge sends the browser back to: the dashboard's front page, whose script takes the answer. */
const redirectUriOf = (dashboardUrl: string): string => new URL("/", dashboardUrl).href;

/**
 * One application of ours, with the dashboard's address and a secret that we know. Forgejo shows a secret once and makes a
 * new one with each change: so what is to be changed is forgotten here first, and a crash in between leaves nothing that
 * looks right and is not.
 */
export const signInAppPiece = (parts: { forge: Forge; secrets: Secrets; dashboardUrl: string }): Piece => ({
  async look() {
    const { forge, secrets } = parts;
    const admin = forge.as("hive-admin");
    const redirectUri = redirectUriOf(parts.dashboardUrl);
    const client = readSignInClient(secrets);
    const ours = (await admin.listApps()).filter(({ id, name }) => id === client?.id || name === appName);
    const right = ours.find((app) => app.id === client?.id && app.clientId === client.clientId);
    const isRight =
      right?.isConfidential && right.redirectUris.join() === redirectUri && client?.redirectUri === redirectUri;
    if (isRight && ours.length === 1) return [];
    const repair = async () => {
      const kept = right ?? ours[0];
      if (!isRight) {
        secrets.remove(secretName);
        const wish = { name: appName, redirectUri };
        const made = kept ? await admin.changeApp(kept.id, wish) : await admin.createApp(wish);
        secrets.write(secretName, JSON.stringify({ ...made, redirectUri } satisfies SignInClient));
      }
      for (const app of ours) if (app !== kept) await admin.deleteApp(app.id);
    };
    const found = ours.map(({ redirectUris }) => `one that leads to ${redirectUris.join(", ")}`).join(" and ");
    return [
      difference(
        "application for signing in to the dashboard",
        `one that leads to ${redirectUri}`,
        found || null,
        repair,
      ),
    ];
  },
});
