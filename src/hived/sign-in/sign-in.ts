/** The operator's way in: a one-time link is exchanged for a session, which is asked for at each call. */
import type { EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import { noteIn } from "../events/note.ts";
import { addLink, takeLink } from "./links.ts";
import { addSession, endSession, isWorthProlonging, prolongSession, sessionEnd } from "./sessions.ts";

/** Makes a link to the dashboard. Its secret is in the fragment, which no request and no log carries. */
export async function createLink(core: Core, dashboardUrl: string): Promise<{ url: string; expiresAt: EpochMs }> {
  const { secret, expiresAt } = await core.db.write((tx) => addLink(tx, core.clock.now()));
  return { url: `${new URL(dashboardUrl).href}#sign-in=${secret}`, expiresAt };
}

/** @throws Refusal for a secret that is wrong, used or too old: which of these is nobody's business */
export async function signIn(core: Core, { secret, address }: { secret: string; address: string }) {
  const session = await core.db.write((tx) => {
    const now = core.clock.now();
    if (!takeLink(tx, secret, now)) return undefined; // not thrown: an old link is gone for good, too
    noteIn(tx, core, `The operator signed in from ${address || "this machine"}.`);
    return addSession(tx, now);
  });
  if (session) return session;
  throw new Refusal(
    "link_not_valid",
    "This link was used before, or is older than five minutes.",
    "Run `hive up` once more: it prints a new one.",
  );
}

export const signOut = (core: Core, session: string): Promise<void> => core.db.write((tx) => endSession(tx, session));

/** Whether a session has not ended; looking does not prolong it. */
export const isSignedIn = (core: Core, session: string): boolean =>
  core.db.read((reader) => sessionEnd(reader, session, core.clock.now())) !== undefined;

/** Counts as a use of the session. @throws Refusal `not_signed_in` */
export async function checkSession(core: Core, session: string): Promise<void> {
  const now = core.clock.now();
  const expiresAt = core.db.read((reader) => sessionEnd(reader, session, now));
  if (expiresAt === undefined) {
    throw new Refusal(
      "not_signed_in",
      "You are not signed in.",
      "Run `hive up` once more, and open the link that it prints.",
    );
  }
  if (isWorthProlonging(expiresAt, now)) await core.db.write((tx) => prolongSession(tx, session, now));
}
