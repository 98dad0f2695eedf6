/** `hive threads`: what still waits for the operator or an agent, as `get_open_threads` tells the agent itself. */
import { AgentName } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine, timeText } from "../line.ts";
import { withHived } from "../up/reach.ts";

/** @throws Refusal `not_running`, `bad_name` */
export async function threads(
  viewer: string,
  options: { home?: string; offset: number; json?: boolean },
): Promise<number> {
  const parsed = viewer === "operator" ? "operator" : AgentName.safeParse(viewer).data;
  if (!parsed) throw new Refusal("bad_name", `"${viewer}" is no agent's name.`, "Look at `hive status`.");
  const { offset } = options;
  return withHived(options, async (hived) => {
    const page = await hived.readThreads({ viewer: parsed, offset });
    process.stdout.write(options.json ? `${JSON.stringify(page, null, 2)}\n` : threadsText(page, offset));
    return exitCodes.ok;
  });
}

const shownCharacters = 60;

/** Oldest first; each row ends with where to look at it. */
export function threadsText({ threads, totals }: ThreadPage, offset: number): string {
  const all = totals.approval + totals.question + totals.pr;
  if (threads.length === 0) return all === 0 ? "Nothing is open.\n" : `There are only ${all}.\n`;
  const head = ["kind", "number", "since", "owner", "state", "summary", "address"];
  const counts = `${totals.approval} approvals, ${totals.question} questions, ${totals.pr} pull requests in all.`;
  const next = offset + threads.length;
  const more = next < all ? ` \`--offset ${next}\` shows the next ones.` : "";
  return `${columns([head, ...threads.map(rowOf)]).join("\n")}\n\n${counts}${more}\n`;
}

const rowOf = (thread: Thread): string[] => [
  thread.kind,
  thread.kind === "pr" ? `${thread.repo}#${thread.id}` : String(thread.id),
  timeText(thread.openedAt).slice(0, "2026-01-01 00:00".length),
  thread.owner,
  stateOf(thread),
  oneLine(thread.summary, shownCharacters),
  oneLine(thread.url ?? "", 200),
];

function stateOf(thread: Thread): string {
  if (thread.kind !== "question") return thread.state.replaceAll("_", " ");
  return thread.role === "asker" ? `asked ${thread.counterparty}` : `owes ${thread.counterparty} an answer`;
}
