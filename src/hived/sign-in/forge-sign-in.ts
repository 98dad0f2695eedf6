/**
 * Signing in with the operator's account on the forge: OAuth2's authorization code flow with PKCE, state and nonce, by
 * openid-client. What the forge says of who it is is all that is used of it: its tokens are dropped at once.
 *
 *   begin (ticket to the browser, the browser to the forge) → the forge asks the person → finish (ticket, answer) → session
 */
import * as openid from "openid-client";
import { Fault } from "../../contract/fault.ts";
import type { EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import type { Core } from "../core.ts";
import { noteIn } from "../events/note.ts";
import { operator } from "../forge/plan.ts";
import type { SignInClient } from "../forge/sign-in-app.ts";
import { addVisit, takeVisit } from "./forge-visits.ts";
import { addSession } from "./sessions.ts";

export type ForgeSignInParts = {
  core: Core;
  /** without a slash at its end */
  forgeUrl: string;
  /** undefined until the forge is provisioned */
  client(): SignInClient | undefined;
};

const answerWithinSeconds = 10;
/** The name in `preferred_username`; a forge that knows scopes of its API gives a token that can do nothing but say whose it is. */
const scope = "openid profile read:user";

/** @throws Refusal while the forge is not provisioned; Fault when it does not answer */
export async function beginForgeSignIn(
  parts: ForgeSignInParts,
): Promise<{ url: string; ticket: string; expiresAt: EpochMs }> {
  const { core } = parts;
  const client = clientOf(parts);
  const config = await discover(parts, client);
  const visit = { state: openid.randomState(), nonce: openid.randomNonce(), verifier: openid.randomPKCECodeVerifier() };
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: client.redirectUri,
    scope,
    state: visit.state,
    nonce: visit.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(visit.verifier),
    code_challenge_method: "S256",
  });
  const { ticket, expiresAt } = await core.db.write((tx) => addVisit(tx, visit, core.clock.now()));
  return { url: url.href, ticket, expiresAt };
}

/**
 * @param returned `ticket` from the browser's cookie, `answer` the query that the forge sent the browser back with
 * @throws Refusal for an answer that is not to our question, a "no", or another account than the operator's; Fault when the
 *   forge does not answer
 */
export async function finishForgeSignIn(
  parts: ForgeSignInParts,
  returned: { ticket: string; answer: string; address: string },
) {
  const { core } = parts;
  const client = clientOf(parts);
  const visit = await core.db.write((tx) => takeVisit(tx, returned.ticket, core.clock.now()));
  if (!visit)
    throw again("This browser was not sent to the forge by this dashboard, or that was over ten minutes ago.");
  const name = await whoAnswered(parts, client, visit, returned.answer);
  if (name !== operator) {
    throw new Refusal(
      "not_the_operator",
      `You are signed in to the forge as ${name || "somebody without a name"}; only ${operator} may enter the dashboard.`,
      `Sign out on the forge (${parts.forgeUrl}), sign in there as ${operator}, and try again.`,
    );
  }
  return core.db.write((tx) => {
    const text = `The operator signed in with the forge's account from ${returned.address || "this machine"}.`;
    noteIn(tx, core, text);
    return addSession(tx, core.clock.now());
  });
}

/** The name of whoever the forge has let pass; the code is exchanged, and the identity's signature checked. */
async function whoAnswered(
  parts: ForgeSignInParts,
  client: SignInClient,
  visit: { state: string; nonce: string; verifier: string },
  answer: string,
): Promise<string> {
  const config = await discover(parts, client);
  const returned = new URL(client.redirectUri);
  returned.search = answer;
  const checks = { expectedState: visit.state, expectedNonce: visit.nonce, pkceCodeVerifier: visit.verifier };
  try {
    const granted = await openid.authorizationCodeGrant(config, returned, { ...checks, idTokenExpected: true });
    return String(granted.claims()?.["preferred_username"] ?? "");
  } catch (error) {
    if (error instanceof openid.AuthorizationResponseError) {
      throw again(
        error.error === "access_denied" ? "You did not allow it on the forge." : `The forge refused: ${error.error}.`,
      );
    }
    if (error instanceof openid.ResponseBodyError)
      throw again(`The forge refused: ${error.error_description ?? error.error}.`);
    if (isSilence(error)) throw silent(parts, error);
    if (error instanceof openid.ClientError) throw again(`The forge's answer does not hold: ${describe(error)}.`);
    throw error;
  }
}

async function discover(parts: ForgeSignInParts, client: SignInClient): Promise<openid.Configuration> {
  // over plain HTTP only where the forge itself is: on this machine
  const insecure = parts.forgeUrl.startsWith("http:") ? [openid.allowInsecureRequests] : [];
  const execute = [...insecure, openid.enableNonRepudiationChecks];
  try {
    return await openid.discovery(new URL(parts.forgeUrl), client.clientId, client.clientSecret, undefined, {
      execute,
      timeout: answerWithinSeconds,
    });
  } catch (error) {
    throw silent(parts, error);
  }
}

const isSilence = (error: unknown): boolean =>
  error instanceof TypeError || (error instanceof openid.ClientError && error.code === "OAUTH_TIMEOUT");

const silent = ({ forgeUrl }: ForgeSignInParts, cause: unknown): Fault =>
  new Fault(`The forge at ${forgeUrl} does not answer as it should: ${describe(cause)}.`, { cause });

const again = (sentence: string): Refusal =>
  new Refusal(
    "forge_sign_in_refused",
    sentence,
    "Press “Sign in with the forge” once more, or open the link that `hive up` prints.",
  );

function clientOf({ client }: ForgeSignInParts): SignInClient {
  const known = client();
  if (known) return known;
  throw new Refusal(
    "forge_not_ready",
    "The forge does not know the dashboard yet.",
    "Wait until the forge is made ready, or open the link that `hive up` prints.",
  );
}
