/**
 * What the operator does with an approval without opening the forge: there, with the operator's own token, and with no effect
 * but the forge's. Each use of the token is in the event log before it happens.
 */
import { openApprovalStates } from "../../contract/approval.ts";
import type { ObjectId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { note } from "../events/note.ts";
import type { ForgeVerbs, Pull } from "../forge/client.ts";
import { ForgeRefusal } from "../forge/errors.ts";
import { agentsRepo, operator } from "../forge/plan.ts";
import { ringItem } from "../forge/refresh.ts";
import type { LifecycleParts } from "../lifecycle/parts.ts";
import { type ApprovalRow, findApproval } from "./approvals.ts";
import { decide } from "./review.ts";

type Parts = Pick<LifecycleParts, "core" | "forge">;

/**
 * Approves exactly this head. Found done when the operator's approval of it is there.
 * @throws Refusal where it could have no effect, as for another head, a closed one, or one of the operator's own
 */
export async function approve(parts: Parts, { number, head }: { number: number; head: ObjectId }): Promise<void> {
  const row = requireOpen(parts, number);
  if (row.state === "invalid" || row.state === "refused")
    throw new Refusal("not_actionable", `#${number} can't be acted on: ${row.problem}`, "Once that is mended, it can.");
  const { pull } = await lookAt(parts, row);
  if (pull.author === operator)
    throw new Refusal("own_proposal", `#${number} is your own, and the forge lets nobody approve an own one.`, pushIt);
  if (pull.head !== head || row.head !== head)
    throw new Refusal("head_moved", `#${number} has another head than ${head.slice(0, 10)} by now.`, lookAgain);
  await approveHead(parts, pull);
  await ringApproval(parts, number);
}

/** The operator's review of a pull request's head, unless it is there. @throws Refusal when the forge refuses it */
export async function approveHead(parts: Parts, pull: Pull): Promise<void> {
  const { number, title, head } = pull;
  const as = parts.forge.as(operator);
  if (decide(pull, await as.listGivenReviews(agentsRepo, number)).kind === "approved") return;
  await noteUse(parts, `approved #${number} (${title}) at ${head.slice(0, 10)}`);
  await onForge(pull, () => as.giveReview(agentsRepo, number, { event: "APPROVED", head, body: "" }));
}

/** Says why, and closes it. What of that is there already is not done again. @throws Refusal for one that has ended */
export async function deny(parts: Parts, { number, reason }: { number: number; reason: string }): Promise<void> {
  const row = requireOpen(parts, number);
  const { as } = await lookAt(parts, row);
  await noteUse(parts, `denied #${number} (${row.summary}): ${reason}`);
  await onForge(row, async () => {
    const said = (await as.listComments(agentsRepo, number)).filter(({ user }) => user === operator).at(-1);
    if (said?.body.trim() !== reason.trim()) await as.postComment(agentsRepo, number, reason);
    await as.closeIssue(agentsRepo, number);
  });
  await ringApproval(parts, number);
}

/** The forge merges nothing that nobody has approved, whoever it is of. */
const pushIt = "Push its commits to main, which needs no approval, and close it.";
const lookAgain = "Look at `hive approvals` again.";

function requireOpen({ core }: Parts, number: number): ApprovalRow {
  const row = core.db.read((reader) => findApproval(reader, number));
  if (!row) throw new Refusal("unknown_approval", `There is no approval #${number}.`, lookAgain);
  if (openApprovalStates.has(row.state) && row.state !== "converging") return row;
  const state = row.state === "converging" ? "merged" : row.state;
  throw new Refusal("approval_ended", `#${number} is ${state} already.`, lookAgain);
}

/** As the forge has it now: the row may be a moment older. */
async function lookAt({ forge }: Parts, row: ApprovalRow): Promise<{ as: ForgeVerbs; pull: Pull }> {
  const as = forge.as(operator);
  const pull = await onForge(row, () => as.readPull(agentsRepo, row.number));
  if (pull?.state === "open") return { as, pull };
  throw new Refusal("approval_ended", `#${row.number} is ${pull?.state ?? "gone"} on the forge.`, lookAgain);
}

/** What the forge refuses is the operator's to know, in its words. */
async function onForge<Answer>({ url }: { url: string }, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ForgeRefusal)) throw error;
    throw new Refusal("forge_refused", `The forge refuses it: ${error.message}.`, `Do it in its pages: ${url}`);
  }
}

const noteUse = ({ core }: Parts, what: string): Promise<void> => note(core, `With the operator's token: ${what}`);

/** What we do on the forge may ring no bell. */
export const ringApproval = ({ core }: Pick<Parts, "core">, number: number): Promise<void> =>
  core.db.write((tx) => ringItem(tx, core, agentsRepo, number));
