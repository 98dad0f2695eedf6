/** Every endpoint of the API, in the order of Forgejo's documentation. */
import type { FastifyInstance } from "fastify";
import type { Forge } from "../forge.ts";
import { applicationEndpoints } from "./applications.ts";
import { commentEndpoints } from "./comments.ts";
import { contentEndpoints } from "./contents.ts";
import { type Endpoint, serveEndpoints } from "./endpoint.ts";
import { gitDataEndpoints } from "./git-data.ts";
import { hookEndpoints } from "./hooks.ts";
import { issueEndpoints } from "./issues.ts";
import { labelEndpoints } from "./labels.ts";
import { embeddedEndpoints, forgejoEndpoints, miscEndpoints, serveHealth } from "./misc.ts";
import { orgEndpoints } from "./orgs.ts";
import { pullEndpoints } from "./pulls.ts";
import { refEndpoints } from "./refs.ts";
import { repoEndpoints } from "./repos.ts";
import { reviewEndpoints } from "./reviews.ts";
import { statusEndpoints } from "./statuses.ts";
import { teamEndpoints } from "./teams.ts";
import { tokenEndpoints } from "./tokens.ts";
import { userEndpoints } from "./users.ts";

export const endpoints: Endpoint[] = [
  ...miscEndpoints,
  ...userEndpoints,
  ...tokenEndpoints,
  ...applicationEndpoints,
  ...orgEndpoints,
  ...teamEndpoints,
  ...repoEndpoints,
  ...labelEndpoints,
  ...issueEndpoints,
  ...commentEndpoints,
  ...contentEndpoints,
  ...gitDataEndpoints,
  ...refEndpoints,
  ...pullEndpoints,
  ...reviewEndpoints,
  ...statusEndpoints,
  ...hookEndpoints,
];

export async function registerApi(app: FastifyInstance, forge: Forge): Promise<void> {
  serveHealth(app, forge);
  await serveUnder(app, forge, "/api/v1", endpoints);
  await serveUnder(app, forge, "/api/forgejo/v1", forgejoEndpoints);
  await serveUnder(app, forge, "/api/embedded", embeddedEndpoints);
}

/** Bodies are JSON, whatever their type says, as in Forgejo; an empty one is no body. */
async function serveUnder(
  app: FastifyInstance,
  forge: Forge,
  prefix: string,
  rows: readonly Endpoint[],
): Promise<void> {
  await app.register(
    async (api) => {
      api.removeAllContentTypeParsers();
      api.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => {
        try {
          done(null, body === "" ? undefined : JSON.parse(String(body)));
        } catch (error) {
          done(Object.assign(error as Error, { statusCode: 422 }));
        }
      });
      serveEndpoints(api, forge, rows);
    },
    { prefix },
  );
}
