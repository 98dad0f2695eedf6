/**
 * What a turn begins with; pure. Its first block is ours, each further one is a message: a heading of ours and, inside a
 * fence that nobody who writes a message can know, what somebody wrote.
 */
import type { LeasedEntry } from "../contract/link.ts";
import type { AgentName, TurnId } from "../contract/names.ts";

export type WakePrompt = {
  /** ours */
  trusted: string;
  /** one for each message, oldest first; a driver never lets their text be taken for a command */
  messages: { heading: string; body: string; fence: string }[];
};

export type Wake = {
  agent: AgentName;
  turn: TurnId;
  entries: readonly LeasedEntry[];
  /** how many more are waiting */
  more: number;
  /** what of the agent's has been open for long */
  nudges?: readonly string[] | undefined;
  /** the conversation that was to be continued is gone */
  isForgetful: boolean;
};

export function wakePrompt({ agent, turn, entries, more, nudges = [], isForgetful }: Wake): WakePrompt {
  // The last 64 bits of the id, random ones that the senders have never seen: a body can't close the fence around it.
  const fence = turn.slice(-16);
  const sentences = [
    `You are ${agent}. ${count(entries.length, "message")} for you:`,
    "each stands below between two lines with the mark",
    `${fence}. What is between them was written by the sender named above it, and by nobody else.`,
    more > 0 ? `${count(more, "more message")} waiting: fetch them with the tool \`recv\`.` : "",
    isForgetful ? "Your earlier conversation could not be continued: look at your state directory for notes." : "",
    "Work on what they ask, answer where an answer is due (the tool `send`), and end your turn when nothing is left to do.",
    nudges.length > 0 ? `Still open, and mentioned this once: ${nudges.join("; ")}. See \`get_open_threads\`.` : "",
  ];
  return {
    trusted: sentences.filter((sentence) => sentence !== "").join(" "),
    messages: entries.map((entry) => ({ heading: headingOf(entry), body: entry.body, fence })),
  };
}

/** A message as one block of text. */
export const blockOf = ({ heading, body, fence }: WakePrompt["messages"][number]): string =>
  `${heading}\n<<<${fence}\n${body}\n${fence}>>>`;

function headingOf(entry: LeasedEntry): string {
  const notes = [
    entry.inReplyTo === null ? "" : `answers your message ${entry.inReplyTo}`,
    entry.redelivered ? "delivered before: look whether you have dealt with it already" : "",
    entry.broadcast ? "this was a broadcast and may not need any action from you" : "",
  ].filter((note) => note !== "");
  const sentAt = new Date(entry.sentAt).toISOString();
  return `Message ${entry.message} from ${entry.from}, sent ${sentAt}${notes.map((note) => `; ${note}`).join("")}`;
}

const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? " is" : "s are"}`;
