/**
 * Reads git's patch text. Lines of a hunk are counted as its header says, and only those are content: a changed line that
 * looks like a header (`--- a/other`) stays a line, so nobody can make a diff show something else than git has in it.
 */

export interface DiffLine {
  kind: "context" | "added" | "removed";
  text: string;
  /** Line numbers in the old and the new file; undefined where the line is not in it. */
  old?: number;
  new?: number;
  /** It is the file's last line and does not end with a line break. */
  isUnended?: boolean;
}
export interface Hunk {
  /** What git found to stand above: a function's name, say. */
  heading: string;
  lines: DiffLine[];
}
export interface FileDiff {
  oldPath: string;
  newPath: string;
  change: "added" | "removed" | "renamed" | "copied" | "changed";
  oldMode?: string;
  newMode?: string;
  isBinary: boolean;
  hunks: Hunk[];
  added: number;
  removed: number;
}

/** @param patch output of `git diff` or `git show --format=` with its default prefixes `a/` and `b/` */
export function parsePatch(patch: string): FileDiff[] {
  const lines = patch.split("\n");
  const files: FileDiff[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    if (!line.startsWith("diff --git ")) {
      at += 1;
      continue;
    }
    const file = namedFile(line);
    files.push(file);
    at = readHeaders(lines, at + 1, file);
    while (lines[at]?.startsWith("@@ ")) at = readHunk(lines, at, file);
  }
  return files;
}

/** Where the names are equal, the header line is clear; where they differ, `rename` or `copy` lines name both. */
function namedFile(header: string): FileDiff {
  const names = header.slice("diff --git ".length);
  const half = (names.length - 1) / 2;
  const [oldName = "", newName = ""] =
    names.startsWith('"') || names.endsWith('"') ? splitQuoted(names) : [names.slice(0, half), names.slice(half + 1)];
  const [oldPath, newPath] = [unquoted(oldName).slice(2), unquoted(newName).slice(2)];
  return { oldPath, newPath, change: "changed", isBinary: false, hunks: [], added: 0, removed: 0 };
}

function splitQuoted(names: string): string[] {
  const parts = names.match(/"(?:[^"\\]|\\.)*"|[^"]+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

const HEADERS: [RegExp, (file: FileDiff, value: string) => void][] = [
  [/^old mode (.*)$/, (file, mode) => set(file, { oldMode: mode })],
  [/^new mode (.*)$/, (file, mode) => set(file, { newMode: mode })],
  [/^new file mode (.*)$/, (file, mode) => set(file, { change: "added", newMode: mode })],
  [/^deleted file mode (.*)$/, (file, mode) => set(file, { change: "removed", oldMode: mode })],
  [/^rename from (.*)$/, (file, path) => set(file, { change: "renamed", oldPath: unquoted(path) })],
  [/^rename to (.*)$/, (file, path) => set(file, { change: "renamed", newPath: unquoted(path) })],
  [/^copy from (.*)$/, (file, path) => set(file, { change: "copied", oldPath: unquoted(path) })],
  [/^copy to (.*)$/, (file, path) => set(file, { change: "copied", newPath: unquoted(path) })],
  [/^(?:Binary files .*|GIT binary patch)$/, (file) => set(file, { isBinary: true })],
];
const set = (file: FileDiff, values: Partial<FileDiff>): void => void Object.assign(file, values);

/** Returns the index of the first line after the headers. */
function readHeaders(lines: readonly string[], from: number, file: FileDiff): number {
  let at = from;
  for (; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line.startsWith("@@ ") || line.startsWith("diff --git ")) return at;
    for (const [pattern, apply] of HEADERS) {
      const match = pattern.exec(line);
      if (match) apply(file, match[1] ?? "");
    }
  }
  return at;
}

/** Returns the index of the first line after the hunk. */
function readHunk(lines: readonly string[], from: number, file: FileDiff): number {
  const header = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/.exec(lines[from] ?? "");
  if (!header) return from + 1;
  const [, oldStart, oldCount = "1", newStart, newCount = "1", heading = ""] = header;
  const hunk: Hunk = { heading, lines: [] };
  const next = { old: Number(oldStart), new: Number(newStart) };
  const end = { old: next.old + Number(oldCount), new: next.new + Number(newCount) };
  file.hunks.push(hunk);
  let at = from + 1;
  for (; at < lines.length && (next.old < end.old || next.new < end.new); at += 1) {
    const line = lines[at] ?? "";
    if (line === "") break; // even an empty line of a file has its sign: the text was cut here
    if (line.startsWith("\\")) markUnended(hunk);
    else hunk.lines.push(hunkLine(line, next, file));
  }
  if (lines[at]?.startsWith("\\")) {
    markUnended(hunk);
    at += 1;
  }
  return at;
}

function hunkLine(line: string, next: { old: number; new: number }, file: FileDiff): DiffLine {
  const text = line.slice(1);
  if (line.startsWith("+")) {
    file.added += 1;
    return { kind: "added", text, new: next.new++ };
  }
  if (line.startsWith("-")) {
    file.removed += 1;
    return { kind: "removed", text, old: next.old++ };
  }
  return { kind: "context", text, old: next.old++, new: next.new++ };
}

function markUnended(hunk: Hunk): void {
  const last = hunk.lines.at(-1);
  if (last) last.isUnended = true;
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, "\\": 92 };

/** Undoes git's quoting of names with control characters, quotes or backslashes. */
function unquoted(name: string): string {
  if (!name.startsWith('"') || !name.endsWith('"')) return name;
  const bytes: Buffer[] = [];
  for (const [piece] of name.slice(1, -1).matchAll(/\\[0-7]{3}|\\.|[^\\]+/g)) {
    if (!piece.startsWith("\\")) bytes.push(Buffer.from(piece));
    else if (piece.length === 4) bytes.push(Buffer.from([Number.parseInt(piece.slice(1), 8)]));
    else bytes.push(Buffer.from([ESCAPES[piece.charAt(1)] ?? piece.charCodeAt(1)]));
  }
  return Buffer.concat(bytes).toString("utf8");
}
