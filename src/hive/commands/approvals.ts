/** `hive approvals`, `hive approve` and `hive deny`: what waits for the operator's review, and the review, without the forge's pages. */
import type { Approval } from "../../contract/approval.ts";
import { Refusal } from "../../contract/refusal.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine } from "../line.ts";
import { type Hived, withHived } from "../up/reach.ts";

type Home = { home?: string };

/** Shows what is open, or one approval with all that it would allow. @throws Refusal `not_running`, `unknown_approval` */
export const approvals = (number: string | undefined, options: Home & { json?: boolean }): Promise<number> =>
  print(options, async (hived) => {
    if (number === undefined) {
      const found = await hived.readApprovals({ number: null });
      return options.json ? `${JSON.stringify(found, null, 2)}\n` : approvalsText(found.approvals);
    }
    const approval = await readOne(hived, number);
    return options.json ? `${JSON.stringify({ approvals: [approval] }, null, 2)}\n` : approvalText(approval);
  });

/**
 * Approves the head that is shown; `head` is at least 7 digits of the one that was looked at.
 * @throws Refusal `bad_head`, as for the empty one of a variable that is not set; `head_moved`
 */
export async function approve(number: string, options: Home & { head?: string }): Promise<number> {
  if (options.head !== undefined && !/^[0-9a-f]{7,40}$/.test(options.head))
    throw new Refusal(
      "bad_head",
      `"${options.head}" is no head.`,
      "Give 7 digits or more of what `hive approvals` shows.",
    );
  return print(options, async (hived) => {
    const approval = await readOne(hived, number);
    if (!approval.head.startsWith(options.head ?? ""))
      throw new Refusal(
        "head_moved",
        `#${approval.number} has the head ${shortHead(approval)} by now.`,
        `Look at \`hive approvals ${approval.number}\` again.`,
      );
    await hived.approve({ number: approval.number, head: approval.head });
    return `${approvalText(approval)}\nApproved at ${shortHead(approval)}.\n`;
  });
}

/** @throws Refusal `no_reason` for one that is blank */
export async function deny(number: string, options: Home & { reason: string }): Promise<number> {
  if (options.reason.trim() === "")
    throw new Refusal("no_reason", "A denial needs a reason: whoever proposed it reads it.", "Say it after --reason.");
  return print(options, async (hived) => {
    const approval = await readOne(hived, number);
    await hived.deny({ number: approval.number, reason: options.reason });
    return `#${approval.number} ${oneLine(approval.summary, shownCharacters)}: denied.\n`;
  });
}

const print = (options: Home, work: (hived: Hived) => Promise<string>): Promise<number> =>
  withHived(options, async (hived) => {
    process.stdout.write(await work(hived));
    return exitCodes.ok;
  });

async function readOne(hived: Hived, text: string): Promise<Approval> {
  const number = Number(text.replace(/^#/, ""));
  const { approvals } =
    Number.isInteger(number) && number > 0 ? await hived.readApprovals({ number }) : { approvals: [] };
  const [found] = approvals;
  if (found) return found;
  throw new Refusal("unknown_approval", `"${text}" is no number of an approval.`, "Look at `hive approvals`.");
}

const shownCharacters = 60;
const shortHead = ({ head }: Approval) => head.slice(0, 10);

/** The operator's turn first. */
export function approvalsText(all: readonly Approval[]): string {
  if (all.length === 0) return "Nothing waits for an approval.\n";
  const isYours = ({ state }: Approval) => state === "waiting";
  const rows = [...all.filter(isYours), ...all.filter((approval) => !isYours(approval))];
  const head = ["number", "state", "kind", "head", "by", "summary"];
  const next = all.some(isYours) ? "\n`hive approvals NUMBER` says what one would allow.\n" : "";
  return `${columns([head, ...rows.map(rowOf)]).join("\n")}\n${next}`;
}

const rowOf = (approval: Approval) => [
  `#${approval.number}`,
  approval.state.replaceAll("_", " "),
  approval.kind,
  shortHead(approval),
  approval.submitter,
  [oneLine(approval.summary, shownCharacters), approval.problem && `(${oneLine(approval.problem, shownCharacters)})`]
    .filter(Boolean)
    .join(" "),
];

const problemCharacters = 500;

/** One approval as the operator should have read it before approving. */
export function approvalText(approval: Approval): string {
  const { number, summary, kind, agent, state, submitter, problem, permissions, url } = approval;
  const about = agent === null ? kind : `${kind} of ${oneLine(agent, shownCharacters)}`;
  return [
    `#${number} ${oneLine(summary, shownCharacters)}`,
    `${about}, proposed by ${submitter}, ${state.replaceAll("_", " ")}, head ${shortHead(approval)}`,
    ...(problem === null ? [] : [oneLine(problem, problemCharacters)]),
    ...permissions.map((permission) => `- ${oneLine(permission, Number.POSITIVE_INFINITY)}`), // the end may be what matters
    oneLine(url, problemCharacters),
    "",
  ].join("\n");
}
