/** Source code as lines of coloured tokens. */
import hljs from "highlight.js";
import { type Html, html } from "./html.ts";

/** A piece of one line; `scopes` are highlight.js' class names around it, outermost first. */
interface Token {
  text: string;
  scopes: readonly string[];
}
export type Line = readonly Token[];

/** Above this many characters code is shown plain: a grammar's regular expressions may take long on hostile input. */
const MAX_HIGHLIGHTED = 150_000;

const LANGUAGE_OF_NAME: Record<string, string> = {
  containerfile: "dockerfile",
  "flake.lock": "json",
  gemfile: "ruby",
  justfile: "makefile",
};
const LANGUAGE_OF_ENDING: Record<string, string> = { cts: "typescript", jsonl: "json", mts: "typescript" };

/** The grammar for a file's name, if there is one. */
export function languageOf(path: string): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const ending = name.slice(name.lastIndexOf(".") + 1);
  const candidate = LANGUAGE_OF_NAME[name] ?? LANGUAGE_OF_ENDING[ending] ?? ending;
  return hljs.getLanguage(candidate) ? candidate : undefined;
}

/** The text's lines without their breaks. A break at the end begins no further line. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

export function highlightedLines(text: string, language: string | undefined): Line[] {
  const plain = linesOf(text);
  if (language === undefined || text.length > MAX_HIGHLIGHTED) return plain.map(plainLine);
  const lines = tokensOf(hljs.highlight(plain.join("\n"), { language, ignoreIllegals: true }).value);
  // the highlighter is not ours: should it ever lose a character, the plain text is shown
  return plain.map((line, at) => (textOf(lines[at] ?? []) === line ? (lines[at] ?? []) : plainLine(line)));
}

const plainLine = (text: string): Line => (text === "" ? [] : [{ text, scopes: [] }]);
const textOf = (line: Line): string => line.map((token) => token.text).join("");

const ENTITIES: Record<string, string> = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#x27;": "'" };

/** Reads highlight.js' output, which is text with nothing but span tags and five entities in it. */
function tokensOf(marked: string): Line[] {
  const lines: Token[][] = [[]];
  const scopes: string[] = [];
  for (const [piece] of marked.matchAll(/<span class="[^"]*">|<\/span>|\n|[^<\n]+/g)) {
    if (piece === "\n") lines.push([]);
    else if (piece === "</span>") scopes.pop();
    else if (piece.startsWith("<span")) scopes.push(piece.slice(13, -2));
    else {
      const text = piece.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
      lines.at(-1)?.push({ text, scopes: [...scopes] });
    }
  }
  return lines;
}

/** @param marked the characters from, and up to but without, which the line differs from its counterpart */
export function lineHtml(line: Line, marked?: { from: number; to: number }): Html {
  let at = 0;
  const pieces: Html[] = [];
  for (const token of line) {
    const cuts = marked ? [marked.from - at, marked.to - at] : [];
    for (const { text, start } of cut(token.text, cuts)) {
      const isMarked = marked !== undefined && at + start >= marked.from && at + start < marked.to;
      pieces.push(tokenHtml(text, token.scopes, isMarked));
    }
    at += token.text.length;
  }
  return html`${pieces}`;
}

function tokenHtml(text: string, scopes: readonly string[], isMarked: boolean): Html {
  const inner = isMarked ? html`<mark>${text}</mark>` : html`${text}`;
  return scopes.reduceRight((content, scope) => html`<span class="${scope}">${content}</span>`, inner);
}

function cut(text: string, positions: readonly number[]): { text: string; start: number }[] {
  const inside = positions.filter((position) => position > 0 && position < text.length);
  const starts = [0, ...inside];
  return starts.map((start, index) => ({ text: text.slice(start, starts[index + 1] ?? text.length), start }));
}
