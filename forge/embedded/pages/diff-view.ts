/** Shows the changes of files: one foldable block per file, one table row per line. */
import { createHash } from "node:crypto";
import { highlightedLines, type Line, languageOf, lineHtml } from "./code.ts";
import type { DiffLine, FileDiff, Hunk } from "./diff.ts";
import { type Html, html, type Part } from "./html.ts";
import { counted } from "./parts.ts";

/** A line of a file's diff, as reviews name it: its number in the new file, or negative: in the old one. */
export type LineNumber = number;

export interface DiffOptions {
  /** Address of the file after the change; none for a removed one. */
  fileHref: (file: FileDiff) => string | undefined;
  /** Where a line's number leads: to the same page with a comment form at that line. */
  commentHref?: (file: FileDiff, line: LineNumber) => string;
  /** What stands under a line: its comments, a form. */
  under?: (file: FileDiff, line: DiffLine) => Part;
}

/** More lines than anybody reads on one page. What is left out is said, for an approval must not overlook it. */
const MAX_LINES = 20_000;

export const numberOf = (line: DiffLine): LineNumber => line.new ?? -(line.old ?? 0);

const diffId = (path: string): string => `diff-${createHash("sha256").update(path).digest("hex").slice(0, 16)}`;
export const lineId = (path: string, line: LineNumber): string =>
  `${diffId(path)}${line < 0 ? `L${-line}` : `R${line}`}`;

export function diffView(files: readonly FileDiff[], options: DiffOptions): Html {
  let lines = 0;
  const blocks = files.map((file) => {
    lines += file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
    return fileBlock(file, options, lines > MAX_LINES);
  });
  return html`<div class="diffs">${blocks}</div>`;
}

/** How much has changed; it stays in sight above the diff. @param more what else stands there */
export function diffBar(files: readonly FileDiff[], more: Part): Html {
  const added = files.reduce((sum, file) => sum + file.added, 0);
  const removed = files.reduce((sum, file) => sum + file.removed, 0);
  return html`<div class="diff-bar"><p><strong>${counted(files.length, "changed file")}</strong> ${counts(added, removed)}</p>${more}</div>`;
}

/** The list of files, each a link to its block. */
export function diffIndex(files: readonly FileDiff[]): Html | false {
  const rows = files.map(
    (file) =>
      html`<li><a href="#${diffId(file.newPath)}">${pathText(file)}</a> ${counts(file.added, file.removed)}</li>`,
  );
  return files.length > 1 && html`<ul class="diff-index">${rows}</ul>`;
}

const counts = (added: number, removed: number): Html =>
  html`<span class="counts"><span class="plus" aria-label="${added} lines added">+${added}</span> <span class="minus" aria-label="${removed} lines removed">−${removed}</span></span>`;

const CHANGES: Record<FileDiff["change"], string> = {
  added: "new file",
  removed: "deleted",
  renamed: "renamed",
  copied: "copied",
  changed: "",
};

const pathText = (file: FileDiff): string =>
  file.oldPath === file.newPath ? file.newPath : `${file.oldPath} → ${file.newPath}`;

function fileBlock(file: FileDiff, options: DiffOptions, isTooLong: boolean): Html {
  const href = options.fileHref(file);
  const change = CHANGES[file.change];
  return html`<details class="file" id="${diffId(file.newPath)}" open>
  <summary><span class="path">${pathText(file)}</span>${change && html` <span class="tag">${change}</span>`}${modeChange(file)} ${counts(file.added, file.removed)}</summary>
  ${href && html`<p class="file-links"><a href="${href}">View the whole file</a></p>`}
  ${isTooLong ? html`<p class="empty">Not shown: all changes together have over ${MAX_LINES} lines. Fetch the commits with git to read this file.</p>` : fileBody(file, options)}
</details>`;
}

function modeChange(file: FileDiff): Part {
  const isExecutable = file.newMode?.endsWith("755") && file.newMode !== file.oldMode;
  if (file.newMode === "120000") return html` <span class="tag">symbolic link</span>`;
  if (file.newMode === "160000") return html` <span class="tag">submodule</span>`;
  if (isExecutable) return html` <span class="tag">executable</span>`;
  if (file.oldMode && file.newMode) return html` <span class="tag">mode ${file.oldMode} → ${file.newMode}</span>`;
  return null;
}

function fileBody(file: FileDiff, options: DiffOptions): Html {
  if (file.isBinary) return html`<p class="empty">A binary file: its content is not shown.</p>`;
  if (file.hunks.length === 0) return html`<p class="empty">No line has changed.</p>`;
  return html`<table class="diff" aria-label="Changes of ${file.newPath}"><tbody>
${file.hunks.map((hunk, at) => hunkRows(file, hunk, at, options))}</tbody></table>`;
}

function hunkRows(file: FileDiff, hunk: Hunk, at: number, options: DiffOptions): Html {
  const isWhole = at === 0 && file.change === "added";
  const code = codeOf(file, hunk);
  const marks = changedParts(hunk.lines);
  const rows = hunk.lines.map((line, index) => {
    return html`${lineRow(file, line, lineHtml(code[index] ?? [], marks.get(index)), options)}${options.under?.(file, line)}`;
  });
  return html`${!isWhole && html`<tr class="hunk"><td colspan="4">${heading(hunk)}</td></tr>\n`}${rows}`;
}

function heading(hunk: Hunk): string {
  const first = hunk.lines[0];
  return hunk.heading || (first ? `from line ${first.new ?? first.old ?? 1}` : "");
}

const SIGNS: Record<DiffLine["kind"], string> = { added: "+", removed: "−", context: "" };

function lineRow(file: FileDiff, line: DiffLine, code: Html, options: DiffOptions): Html {
  const href = options.commentHref?.(file, numberOf(line));
  const number = (value: number | undefined, isLink: boolean) =>
    isLink && href !== undefined
      ? html`<td class="number"><a href="${href}" aria-label="Comment on line ${value}">${value}</a></td>`
      : html`<td class="number">${value}</td>`;
  const numbers = [number(line.old, line.kind === "removed"), number(line.new, line.kind !== "removed")];
  return html`<tr class="${line.kind}" id="${lineId(file.newPath, numberOf(line))}">${numbers}<td class="sign">${SIGNS[line.kind]}</td><td class="code">${code}${lineEnd(line)}</td></tr>
`;
}

/** What cannot be seen at a line's end is named, for it may be all that has changed. */
function lineEnd(line: DiffLine): Part {
  const isCarriageReturn = line.text.endsWith("\r");
  return html`${isCarriageReturn && html`<span class="invisible" title="The line ends with a carriage return">␍</span>`}${line.isUnended && html`<span class="invisible" title="The file does not end with a line break">no line break at the end</span>`}`;
}

/** Each side of a hunk is highlighted as a whole, so that what spans lines keeps its colour. */
function codeOf(file: FileDiff, hunk: Hunk): Line[] {
  const sideOf = (path: string, side: "old" | "new") => {
    const lines = hunk.lines.filter((line) => line[side] !== undefined).map((line) => line.text);
    return highlightedLines(`${lines.join("\n")}\n`, languageOf(path));
  };
  const sides = { old: sideOf(file.oldPath, "old"), new: sideOf(file.newPath, "new") };
  const next = { old: 0, new: 0 };
  return hunk.lines.map((line) => {
    const code = line.kind === "removed" ? sides.old[next.old] : sides.new[next.new];
    if (line.old !== undefined) next.old += 1;
    if (line.new !== undefined) next.new += 1;
    return code ?? [];
  });
}

type Span = { from: number; to: number };

/** By index of the line: the part in which a removed line and the added one that took its place differ. */
function changedParts(lines: readonly DiffLine[]): Map<number, Span> {
  const parts = new Map<number, Span>();
  for (let at = 0; at < lines.length; ) {
    const removed = runOf(lines, at, "removed");
    const added = runOf(lines, at + removed, "added");
    for (let index = at; removed === added && index < at + removed; index += 1) {
      const [before, after] = difference(lines[index]?.text ?? "", lines[index + removed]?.text ?? "");
      if (before) parts.set(index, before);
      if (after) parts.set(index + removed, after);
    }
    at += Math.max(1, removed + added);
  }
  return parts;
}

function runOf(lines: readonly DiffLine[], from: number, kind: DiffLine["kind"]): number {
  let length = 0;
  while (lines[from + length]?.kind === kind) length += 1;
  return length;
}

/** Without a common start and end; nothing when too little is common for the comparison to help. */
function difference(one: string, other: string): [Span?, Span?] {
  const shorter = Math.min(one.length, other.length);
  let start = 0;
  while (start < shorter && one[start] === other[start]) start += 1;
  if (isLowSurrogate(one, start) || isLowSurrogate(other, start)) start -= 1;
  let end = 0;
  while (end < shorter - start && one.at(-1 - end) === other.at(-1 - end)) end += 1;
  if (isLowSurrogate(one, one.length - end) || isLowSurrogate(other, other.length - end)) end -= 1;
  if ((start + end) * 3 < Math.max(one.length, other.length)) return [];
  const span = (text: string) => (text.length - end > start ? { from: start, to: text.length - end } : undefined);
  return [span(one), span(other)];
}

/** A character outside of the basic plane is two units of a string, and must not be cut between them. */
const isLowSurrogate = (text: string, at: number): boolean => /^[\udc00-\udfff]/.test(text.charAt(at));
