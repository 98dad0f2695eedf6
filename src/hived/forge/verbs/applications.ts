/** Programs that sign people in with their account on the forge. */
import { z } from "zod";
import type { Connection } from "../connection.ts";

const App = z
  .object({
    id: z.number().int(),
    name: z.string(),
    client_id: z.string(),
    confidential_client: z.boolean(),
    redirect_uris: z.array(z.string()).nullable(),
  })
  .transform((app) => ({
    id: app.id,
    name: app.name,
    clientId: app.client_id,
    isConfidential: app.confidential_client,
    redirectUris: app.redirect_uris ?? [],
  }));
const NewSecret = z
  .object({ id: z.number().int(), client_id: z.string(), client_secret: z.string().min(20) })
  .transform((app) => ({ id: app.id, clientId: app.client_id, clientSecret: app.client_secret }));

type AppWish = { name: string; redirectUri: string };
const bodyOf = ({ name, redirectUri }: AppWish) => ({ name, redirect_uris: [redirectUri], confidential_client: true });

/** Of the calling user's own applications. */
export function applicationVerbs(connection: Connection) {
  return {
    listApps: () => connection.list(App, (api, page) => api.user.userGetOauth2Application(page)),
    /** The secret is shown this once. */
    createApp: (wish: AppWish) =>
      connection.ask(NewSecret, (api) => api.user.userCreateOAuth2Application(bodyOf(wish))),
    /** The forge makes a new secret with it, and shows it this once. */
    changeApp: (id: number, wish: AppWish) =>
      connection.ask(NewSecret, (api) => api.user.userUpdateOAuth2Application(id, bodyOf(wish))),
    async deleteApp(id: number): Promise<void> {
      await connection.tell((api) => api.user.userDeleteOAuth2Application(id));
    },
  };
}
