/**
 * Work `tell-pull`: tells those who have a part in a pull request what has happened to it since the last look. Letters and the
 * place to go on from are one write, so that each thing is told once.
 */
import type { EpochMs } from "../../contract/names.ts";
import { findLiving } from "../agents/agents.ts";
import { relay, relayLaterMs, speakerOf } from "../broker/relay.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Forge, ForgeVerbs, TimelineEntry } from "../forge/client.ts";
import { findPull, type ItemPlace } from "../forge/forge-items.ts";
import { agentsRepo, operator } from "../forge/plan.ts";
import { readerOf } from "../forge/refresh.ts";
import type { Handler } from "../work/scheduler.ts";
import { lettersOf, type PullLetter, type Reviewed } from "./letters.ts";
import { noteSeenTo, seenTo } from "./places.ts";

/** Of what has happened since the last look; of the rest it is said that there is some. */
const mostAtOnce = 20;
/** The forge's clock may have been set back by so much. */
const clockMarginMs = 60 * 60_000;

/** In the transaction that stores what was fetched. One on hive/agents is an approval, whose outcomes are told by itself. */
export function followPull(tx: Transaction, core: Core, { repo, number }: ItemPlace): void {
  if (repo !== agentsRepo) core.scheduler.enqueue(tx, "tell-pull", `${repo}#${number}`);
}

export const pullWork = (core: Core, forge: Forge): Record<string, Handler> => ({
  "tell-pull": { atOnce: 2, run: (key) => tellPull(core, forge, key) },
});

/** @param key "<owner>/<repo>#<number>" */
async function tellPull(core: Core, forge: Forge, key: string): Promise<{ again: EpochMs } | undefined> {
  const [repo = "", digits] = key.split("#");
  const place = { repo, number: Number(digits) };
  const { reader, pull, seen } = core.db.read((tx) => ({
    reader: readerOf(tx, repo),
    pull: findPull(tx, place),
    seen: seenTo(tx, place),
  }));
  if (!reader || !pull) return undefined;
  const as = forge.as(reader);
  const since = Math.max(0, seen.at - clockMarginMs) as EpochMs;
  const isNew = ({ id, createdAt }: TimelineEntry) =>
    seen.entry === null ? createdAt >= seen.at - 1000 : id > seen.entry; // times are in whole seconds
  const news = (await as.listTimeline(repo, place.number, since)).filter(isNew);
  if (news.length === 0) return undefined;
  const reviewed = { ...pull, ...place, reviews: await reviewsOf(as, place, news) };
  return core.db.write((tx) => tellNews(tx, core, reviewed, news));
}

/**
 * The reviews and the requests for them as they are after the news, where these could be about one or go to a reviewer: what
 * is known of the item may be older. Of new reviews what was said of single lines, too.
 */
async function reviewsOf(
  as: ForgeVerbs,
  { repo, number }: ItemPlace,
  news: readonly TimelineEntry[],
): Promise<Reviewed["reviews"]> {
  if (!news.some(({ type }) => type === "review" || type === "review_request" || type === "comment")) return [];
  const isNew = (id: number) => news.some(({ type, review }) => type === "review" && review === id);
  return Promise.all(
    (await as.listReviews(repo, number)).map(async (review) => ({
      ...review,
      lines: isNew(review.id) ? await as.listReviewComments(repo, number, review.id) : [],
    })),
  );
}

function tellNews(
  tx: Transaction,
  core: Core,
  pull: Reviewed,
  news: readonly TimelineEntry[],
): { again: EpochMs } | undefined {
  const all = news
    .map((entry) => ({ entry, letters: lettersOf(pull, entry) }))
    .filter(({ letters }) => letters.length > 0);
  const left = Math.max(0, all.length - mostAtOnce);
  const earlier = left > 0 ? `(${left} earlier things are not repeated here.)\n\n` : "";
  for (const [index, { entry, letters }] of all.slice(left).entries()) {
    const before = index === 0 ? earlier : "";
    if (letters.every((letter) => tell(tx, core, pull, entry, { ...letter, body: before + letter.body }))) continue;
    note(tx, pull, entry, entry.id - 1);
    return { again: (core.clock.now() + relayLaterMs) as EpochMs };
  }
  const last = news.at(-1);
  if (last) note(tx, pull, last, last.id);
  return undefined;
}

const note = (tx: Transaction, pull: ItemPlace, { createdAt: at }: TimelineEntry, entry: number): void =>
  noteSeenTo(tx, pull, { entry, at });

/** False when it has to wait. */
function tell(tx: Transaction, core: Core, pull: ItemPlace, { id, user }: TimelineEntry, letter: PullLetter): boolean {
  const { to, body, isInvited } = letter;
  if (!isReachable(tx, to)) return true;
  const clientId = `pull/${pull.repo}#${pull.number}/${id}/${to}`;
  return relay(tx, core, { from: speakerOf(tx, user), to, body, clientId, ...(isInvited && { isInvited }) });
}

const isReachable = (reader: Reader, user: string): boolean =>
  user === operator || findLiving(reader, user) !== undefined;
