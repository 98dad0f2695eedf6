/**
 * Work `tell-pull`: tells those who have a part in a pull request what has happened to it since the last look. Letters and the
 * place to go on from are one write, so that each thing is told once.
 */
import type { EpochMs } from "../../contract/names.ts";
import type { Refusal } from "../../contract/refusal.ts";
import { findLiving } from "../agents/agents.ts";
import { isToldAsApproval } from "../approvals/talk.ts";
import { pullLetterId, relay, relayLaterMs, speakerOf } from "../broker/relay.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import type { Forge, ForgeVerbs, TimelineEntry } from "../forge/client.ts";
import { findPull, type ItemPlace } from "../forge/forge-items.ts";
import { agentsRepo, operator } from "../forge/plan.ts";
import { readerOf } from "../forge/refresh.ts";
import { shutOut } from "../forge/visible.ts";
import type { Handler } from "../work/scheduler.ts";
import { lettersOf, type News, type PullLetter, type Reviewed } from "./letters.ts";
import { noteSeenTo, seenTo } from "./places.ts";

/** Told one of them, of what has happened since the last look. */
const mostAtOnce = 20;
/** The forge's clock may have been set back by so much. */
const clockMarginMs = 60 * 60_000;

/** In the transaction that stores what was fetched. One on hive/agents is followed as an approval first. */
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
  const isNew = ({ id, createdAt }: Pick<News, "id" | "createdAt">) =>
    seen.entry === null ? createdAt >= seen.at - 1000 : id > seen.entry; // times are in whole seconds
  const readEntries = async () => (await as.listTimeline(repo, place.number, since)).filter(isNew);
  let entries = await readEntries();
  const reviews = await reviewsOf(as, place);
  const lines = reviews.flatMap((review) => review.lines.filter(isNew));
  if (lines.length > 0) {
    // What came before one of them, and no more: a review that came after them is not among those that were read.
    const upTo = Math.max(entries.at(-1)?.id ?? 0, ...lines.map(({ id }) => id));
    entries = (await readEntries()).filter(({ id }) => id <= upTo);
  }
  const news = [...entries, ...answersTo(reviews, entries).filter(isNew)].sort((a, b) => a.id - b.id);
  if (news.length === 0) return undefined;
  const reviewed = { ...pull, ...place, reviews };
  const due = news.flatMap((entry) => lettersOf(reviewed, entry).map((letter) => ({ ...letter, entry })));
  const gone = await shutOut({ core, forge }, place, [...new Set(due.map(({ to }) => to))]);
  const shown = due.filter(({ to }) => !gone.has(to));
  return core.db.write((tx) => tellNews(tx, core, reviewed, { news, letters: shown }));
}

/** The reviews and the requests for them as they are after the news: what is known of the item may be older. */
async function reviewsOf(as: ForgeVerbs, { repo, number }: ItemPlace): Promise<Reviewed["reviews"]> {
  const given = (await as.listReviews(repo, number)).filter(({ state }) => state !== "PENDING"); // nobody's business yet
  return Promise.all(
    given.map(async (review) => ({
      ...review,
      lines: review.lineCount > 0 ? await as.listReviewComments(repo, number, review.id) : [],
    })),
  );
}

/** What was said of lines after the review itself: its own lines come before its entry in the timeline. */
const answersTo = (reviews: Reviewed["reviews"], entries: readonly TimelineEntry[]): News[] =>
  reviews.flatMap(({ id: review, lines }) => {
    const given = entries.find((entry) => entry.type === "review" && entry.review === review)?.id ?? 0;
    return lines.filter(({ id }) => id > given).map((line) => ({ ...line, type: "answer" as const, review }));
  });

type Due = PullLetter & { entry: News };

function tellNews(
  tx: Transaction,
  core: Core,
  pull: Reviewed,
  { news, letters }: { news: readonly News[]; letters: readonly Due[] },
): { again: EpochMs } | undefined {
  const due = letters.filter(
    ({ to, entry }) => isReachable(tx, to) && !(to === pull.author && isToldElsewhere(tx, pull, entry)),
  );
  const kept = [...Map.groupBy(due, ({ to }) => to).values()].flatMap(newest);
  // The place stays: what was told already is found to be there, and the rest counted anew.
  for (const letter of kept.sort((a, b) => a.entry.id - b.entry.id))
    if (!tell(tx, core, pull, letter)) return { again: (core.clock.now() + relayLaterMs) as EpochMs };
  const last = news.at(-1);
  if (last) noteSeenTo(tx, pull, { entry: last.id, at: last.createdAt });
  return undefined;
}

/** Of what one of them is to hear at once; of the rest, that there is some. */
function newest(letters: Due[]): Due[] {
  const left = letters.length - mostAtOnce;
  const [first, ...others] = letters.slice(Math.max(0, left));
  if (left <= 0 || !first) return letters;
  return [{ ...first, body: `(${left} earlier things are not repeated here.)\n\n${first.body}` }, ...others];
}

/** False when it has to wait. Who asks for a review of somebody whom it may not write to hears that nobody was told. */
function tell(tx: Transaction, core: Core, pull: Reviewed, { to, body, isInvited, entry }: Due): boolean {
  const clientId = pullLetterId(pull, entry.id, to);
  const from = speakerOf(tx, entry.user);
  const refused = (refusal: Refusal) => {
    if (entry.type !== "review_request" || from === "system") return;
    const why = `${to} is not told that you ask for a review of ${pull.url}: ${refusal.message} ${refusal.next}`;
    relay(tx, core, { from: "system", to: from, body: why, clientId: `${clientId}/refused` });
  };
  return relay(tx, core, { from, to, body, clientId, ...(isInvited && { isInvited }) }, refused);
}

const isToldElsewhere = (reader: Reader, { repo, number, reviews }: Reviewed, entry: News): boolean => {
  const review = reviews.find(({ id }) => id === entry.review);
  return repo === agentsRepo && isToldAsApproval(reader, number, entry, review);
};

const isReachable = (reader: Reader, user: string): boolean =>
  user === operator || findLiving(reader, user) !== undefined;
