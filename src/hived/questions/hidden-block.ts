/** What stands invisibly at the head of a question's issue: by it the issue is found again, and its options are read. */
import { z } from "zod";
import { EpochMs } from "../../contract/names.ts";

const HiddenBlock = z.object({
  /** the question's number in our table, and when it was asked: together they are of one hive alone */
  id: z.number().int(),
  askedAt: EpochMs,
  options: z.array(z.string()),
  multi: z.boolean(),
  /** when it is closed if nobody has answered */
  deadline: EpochMs.nullable().default(null),
});
export type HiddenBlock = z.infer<typeof HiddenBlock>;

const begin = "<!-- hive:question ";
const end = " -->";

/** An HTML comment; nothing in it can end it early. */
export function writeHiddenBlock(block: HiddenBlock): string {
  const json = JSON.stringify(block).replace(/[<>-]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
  return `${begin}${json}${end}`;
}

/** The block at the head of a body; null when there is none, or somebody has spoiled it. */
export function readHiddenBlock(body: string): HiddenBlock | null {
  const [first = ""] = body.split(/\r?\n/, 1);
  if (!first.startsWith(begin) || !first.endsWith(end)) return null;
  const parsed = HiddenBlock.safeParse(parseJson(first.slice(begin.length, -end.length)));
  return parsed.success ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What stands invisibly in a comment of ours, so that it is posted once; what says an outcome is not taken for somebody's word. */
export const writeMark = (kind: "outcome" | "refused" | "boxes" | "reopened", id: number): string =>
  `<!-- hive:${kind} ${id} -->`;

/** On a line of its own: who answers one of ours by "Quote reply" quotes its mark with it. */
export const hasMark = (body: string): boolean => /^<!-- hive:(outcome|refused) \d+ -->\s*$/m.test(body);
