/** What the page was opened with to sign in: a one-time link's secret, or the forge's answer. Neither stays in the history. */

export type Entry = { kind: "link"; secret: string } | { kind: "forge"; answer: string };

const fragment = /^#sign-in=([\w-]+)$/;

/**
 * Takes it out of the page's address, and of the history at once; null when there is none. A link's secret is in the
 * fragment, so that it is in no request and no log; the forge can only answer in the query.
 */
export function takeEntry(
  at: Pick<Location, "hash" | "pathname" | "search">,
  history: Pick<History, "replaceState">,
): Entry | null {
  const secret = fragment.exec(at.hash)?.[1];
  if (secret !== undefined) {
    history.replaceState(null, "", `${at.pathname}${at.search}`);
    return { kind: "link", secret };
  }
  const answer = at.search; // kept: the page's own address is empty once it is replaced
  const query = new URLSearchParams(answer);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
  history.replaceState(null, "", `${at.pathname}${at.hash}`);
  return { kind: "forge", answer };
}
