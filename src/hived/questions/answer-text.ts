/** What an answer says: words, or choices among the options; the same for a tool, the page, the command line and a comment. */
import type { Question } from "../../contract/question.ts";
import { Refusal } from "../../contract/refusal.ts";

type Choice = Pick<Question, "options" | "multi">;

/** A longer one is cut. */
const answerCharacters = 20_000;

const command = /^\/answer:?(?:\s+|$)/;

export const isAnswer = (comment: string): boolean => command.test(comment);
export const withoutCommand = (comment: string): string => comment.replace(command, "").trim();

/** As the forge's pages, which keep no line breaks in an item of a list, show it. */
export const onOneLine = (option: string): string => option.replace(/\s+/g, " ").trim();

/**
 * As the asker is to read it. Where there are options the first line chooses one, by its text or its number; several
 * options are separated by commas, or have a line each. What follows is free.
 * @throws Refusal `empty_answer`, `no_such_option`, `one_option`
 */
export function readAnswer(choice: Choice, said: string): string {
  const text = said.trim().slice(0, answerCharacters);
  if (text === "") throw new Refusal("empty_answer", "The answer is empty.", nextFor(choice));
  if (choice.options.length === 0) return text;
  const [first = "", ...rest] = text.split(/\r?\n/);
  const chosen = choose(choice, first);
  if (!chosen) throw new Refusal("no_such_option", `There is no option “${first.slice(0, 200)}”.`, nextFor(choice));
  while (choice.multi && rest[0]) {
    const more = choose(choice, rest[0]);
    if (!more) break;
    chosen.push(...more);
    rest.shift();
  }
  demandOneUnlessMulti(choice, chosen);
  const remark = rest.join("\n").trim();
  return [[...new Set(chosen)].join("\n"), remark].filter(Boolean).join("\n\n");
}

/** The options that a line names; null when it names something else. */
function choose({ options }: Choice, line: string): string[] | null {
  const whole = find(options, line);
  if (whole !== undefined) return [whole];
  const parts = line.split(",").map((part) => find(options, part));
  return parts.includes(undefined) ? null : (parts as string[]);
}

function find(options: readonly string[], words: string): string | undefined {
  const plain = (text: string) => onOneLine(text).toLowerCase();
  const number = /^\s*(\d{1,2})[.)]?\s*$/.exec(words)?.[1];
  return options.find((option) => plain(option) === plain(words)) ?? options[Number(number ?? 0) - 1];
}

const nextFor = ({ options, multi }: Choice): string =>
  options.length === 0
    ? "Say what your answer is."
    : `Choose ${multi ? "from" : "one of"}: ${options.map((option, index) => `${index + 1}. ${onOneLine(option)}`).join("; ")}. More words go on a line below.`;

function demandOneUnlessMulti(choice: Choice, chosen: readonly string[]): void {
  if (chosen.length > 1 && !choice.multi)
    throw new Refusal("one_option", "Only one of the options can be chosen.", nextFor(choice));
}

/** What the ticked boxes say, an option a line; empty when none is ticked. @throws Refusal `one_option` */
export function readBoxes(choice: Choice, body: string): string {
  const ticked = tickedIn(choice, body);
  demandOneUnlessMulti(choice, ticked);
  return ticked.join("\n");
}

/** The options whose boxes are ticked, as the forge's pages leave them in a text. */
export function tickedIn({ options }: Pick<Choice, "options">, body: string): string[] {
  const box = "- [x] ";
  const ticked = new Set(
    body.split(/\r?\n/).flatMap((line) => (line.toLowerCase().startsWith(box) ? [line.slice(box.length).trim()] : [])),
  );
  return options.filter((option) => ticked.has(onOneLine(option)));
}
