/** The secret of a one-time link: in the fragment, so that it is in no request, no log and, after this, no history. */

const fragment = /^#sign-in=([\w-]+)$/;

/** Takes the secret out of the page's address, and of the history at once; null when there is none. */
export function takeSecret(at: Pick<Location, "hash" | "pathname" | "search">, history: Pick<History, "replaceState">) {
  const secret = fragment.exec(at.hash)?.[1] ?? null;
  if (secret !== null) history.replaceState(null, "", `${at.pathname}${at.search}`);
  return secret;
}
