/** What an entry of a pull request's timeline means to those who have a part in it; pure. */
import { reasonOf } from "../approvals/review.ts";
import type { Review, ReviewComment, TimelineEntry } from "../forge/client.ts";
import type { ItemPlace, PullItem } from "../forge/forge-items.ts";
import { bot } from "../forge/plan.ts";
import { waitedFor } from "../forge/refresh.ts";

export type Reviewed = PullItem & ItemPlace & { reviews: readonly (Review & { lines: readonly ReviewComment[] })[] };

/** What has happened: an entry of the timeline, or an answer to what a review said of a line, which is not in it. */
export type News = TimelineEntry | (ReviewComment & { type: "answer"; review: Review["id"] });

/** `to` is a forge user's name; its author has opened the pull request for everybody who sees it to say something to it */
export type PullLetter = { to: string; body: string; isInvited: boolean };

const shownCharacters = 8_000;

/** Nobody is told what was done by themselves, and what the hive does is told elsewhere. */
export function lettersOf(pull: Reviewed, entry: News): PullLetter[] {
  const { author } = pull;
  const { user, type } = entry;
  const tell = (to: readonly string[], did: string, words = ""): PullLetter[] =>
    [...new Set(to)]
      .filter((name) => name !== user)
      .map((name) => {
        const said = words.trim() === "" ? "." : `:\n\n${words.trim().slice(0, shownCharacters)}`;
        return { to: name, body: `${user} ${did} ${named(pull, name)}${said}`, isInvited: name === author };
      });
  if (user === bot) return [];
  if (isAnswer(entry)) return tell([author, ...speakersOn(pull, entry)], `wrote about ${entry.place}, in`, entry.body);
  switch (type) {
    case "review_request":
      return isWaitedFor(pull, entry.asked) ? tell([entry.asked], "asks you to review") : [];
    case "review": {
      const review = pull.reviews.find(({ id }) => id === entry.review);
      const did = review && verdicts[review.state];
      if (!did) return [];
      const own = review.lines.filter(({ id }) => id < entry.id); // the rest is answers
      return tell(user === author ? reviewersOf(pull) : [author], did, reasonOf(review.body, own));
    }
    case "comment":
      return tell([author, ...reviewersOf(pull)], "wrote under", entry.body);
    case "merge_pull":
      return tell([author], "merged");
    case "close":
      return tell([author], "closed, without merging it,");
    case "reopen":
      return tell([author], "reopened");
    default:
      return [];
  }
}

const verdicts: Record<string, string> = {
  APPROVED: "approved",
  REQUEST_CHANGES: "asked for changes in",
  COMMENT: "commented on",
};

const isAnswer = (entry: News): entry is Exclude<News, TimelineEntry> => "place" in entry;

/** Who has said something of that line in that review. */
const speakersOn = ({ reviews }: Reviewed, { review, place }: Exclude<News, TimelineEntry>): string[] =>
  reviews
    .filter(({ id }) => id === review)
    .flatMap(({ user, lines }) => [user, ...lines.filter((line) => line.place === place).map((line) => line.user)]);

/** Not where the request was taken back, or answered, before anybody looked. */
const isWaitedFor = ({ reviews }: Reviewed, asked: string): boolean => waitedFor(reviews).includes(asked);

/** Who is asked for a review, or has given one. */
const reviewersOf = ({ author, reviews }: Reviewed): string[] =>
  reviews.map(({ user }) => user).filter((user) => user !== author);

function named({ repo, number, title, author, url }: Reviewed, to: string): string {
  const whose = to === author ? "your" : `${author}'s`;
  return `${whose} pull request #${number} of ${repo} (“${title}”, ${url})`;
}
