/** Issues and pull requests, made again by their authors in the order of their numbers, so that each keeps its own. */
import { z } from "zod";
import { Fault } from "../../contract/fault.ts";
import { type Api, asOrAdmin, Declined } from "./api.ts";
import type { Moving } from "./moving.ts";
import { endPull, makePull } from "./pulls.ts";
import type { Item, Pull } from "./source.ts";
import { standingRequests } from "./standing.ts";
import { commentText, isGiven, itemText, lostPullText, reviewText } from "./words.ts";

/** Where an item or a thing of it is made. */
const Numbered = z.object({ number: z.number() });

/** Makes the item of a number; a number that was never used, or is no more, is used up here too. */
export async function moveItem(moving: Moving, number: number): Promise<void> {
  const { repo, to, path } = moving;
  const item = repo.items.find((each) => each.number === number);
  if (!item) {
    await makeIssue(to, path, number, null, { title: "A number that is not used", body: "" });
    return to.tell("DELETE", `${path}/issues/${number}`);
  }
  const lost = item.pull === null ? null : await makePull(moving, item, item.pull);
  if (item.pull === null || lost !== null) {
    const body = lost === null ? itemText(item) : lostPullText(item, lost);
    await makeIssue(to, path, number, item.user, { title: item.title, body });
  }
  if (lost !== null) moving.note(`${repo.full_name}#${number} is an issue now, for the pull request: ${lost}`);
  await describeItem(moving, item);
  const pull = lost === null ? item.pull : null;
  await moveThread(moving, item, pull);
  if (pull) return endPull(moving, item, pull);
  if (item.state === "closed") await to.tell("PATCH", `${path}/issues/${number}`, { body: { state: "closed" } });
}

async function makeIssue(
  to: Api,
  path: string,
  number: number,
  author: string | null,
  body: { title: string; body: string },
): Promise<void> {
  await asOrAdmin(author, async (as) => {
    const made = await to.ask(Numbered, "POST", `${path}/issues`, { as, body });
    if (made.number !== number) throw new Fault(`${path}: #${number} became #${made.number} on the new forge.`);
  });
}

/** Labels, assignees and dates: theirs to set who can write, so the admin does. */
async function describeItem({ to, path, labels, note, repo }: Moving, item: Item): Promise<void> {
  const place = `${path}/issues/${item.number}`;
  const ids = (item.labels ?? []).flatMap(({ name }) => labels.get(name) ?? []);
  if (ids.length > 0) await to.tell("POST", `${place}/labels`, { body: { labels: ids } });
  const assignees = (item.assignees ?? []).map(({ login }) => login);
  const due = item.due_date === null ? {} : { due_date: item.due_date };
  if (assignees.length === 0 && item.due_date === null) return;
  await to.tell("PATCH", place, { body: { assignees, ...due } }).catch((error: unknown) => {
    if (!(error instanceof Declined)) throw error;
    note(`${repo.full_name}#${item.number} is not assigned to ${assignees.join(", ")} any more: ${error.message}`);
  });
}

/** Comments and reviews as they came, one after the other. */
async function moveThread({ to, path }: Moving, item: Item, pull: Pull | null): Promise<void> {
  const standing = pull ? standingRequests(item, pull) : [];
  const said = [
    ...item.comments.map((comment) => ({ at: comment.created_at, user: comment.user, body: commentText(comment) })),
    ...(item.pull?.reviews ?? [])
      .filter((review) => isGiven(review) && !standing.includes(review))
      .map((review) => ({ at: review.submitted_at, user: review.user, body: reviewText(review) })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const { user, body } of said)
    await asOrAdmin(user, (as) => to.tell("POST", `${path}/issues/${item.number}/comments`, { as, body: { body } }));
}
