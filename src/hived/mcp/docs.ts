/** org-shared/docs for the tool that reads it: kept in memory as it was fetched last, for hived opens no directory of agents. */
import { posix } from "node:path";
import { Fault } from "../../contract/fault.ts";
import type { FileToWrite } from "../../contract/launch.ts";
import type { ObjectId } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { ToolArguments } from "../../contract/tools.ts";
import { didYouMean } from "../agents/near-names.ts";
import { pageOf } from "./pages.ts";

/** `lines` is null where it is no text, or too much of it. */
type Doc = { path: string; bytes: number; lines: string[] | null };

export type Docs = {
  /** Takes the place of what was kept. */
  keep(commit: ObjectId, files: readonly FileToWrite[]): void;
  /** The text of a file, what a search finds, or a list of the files. @throws Refusal; Fault before there is anything */
  read(args: ToolArguments<"read_docs">): string;
  /** every file that is text */
  texts(): { path: string; text: string }[];
};

/** Agents see the repository as /docs, and copy such paths from their prompts. @returns the path in it, "" for all of it */
const inDocs = (path: string): string => posix.relative("/docs", posix.resolve("/docs", path));

const mostBytes = 1024 * 1024;
const decoder = new TextDecoder("utf-8", { fatal: true });

export function openDocs(): Docs {
  let kept: { commit: ObjectId; docs: Doc[] } | undefined;
  const known = () => {
    if (kept) return kept;
    throw new Fault("the hive has not read org-shared/docs from the forge yet");
  };
  return {
    keep(commit, files) {
      const docs = files.map(toDoc).sort((one, other) => (one.path < other.path ? -1 : 1));
      kept = { commit, docs };
    },
    read({ path: asked = "", query = "", offset }) {
      const { commit, docs } = known();
      const path = inDocs(asked);
      const head = (what: string) => [`${what}, org-shared/docs at ${commit.slice(0, 10)}:`];
      const exact = docs.find((doc) => doc.path === path);
      const words = wordsOf(query);
      if (exact && words.length === 0) return pageOf(head(path), linesOf(exact), offset);
      const among = exact ? [exact] : docs.filter((doc) => isBelow(doc, path));
      if (among.length === 0 && path !== "") throw unknown(path, docs);
      if (words.length === 0) return pageOf(head("Files"), among.map(listed), offset);
      const found = search(among, words);
      if (found.length === 0) return `No file of org-shared/docs has all of: ${words.join(" ")}. Try fewer words.`;
      return pageOf(head(`Lines with ${words.join(" ")}`), found, offset);
    },
    texts: () => known().docs.flatMap(({ path, lines }) => (lines === null ? [] : [{ path, text: lines.join("\n") }])),
  };
}

function toDoc({ path, content }: FileToWrite): Doc {
  const bytes = Buffer.from(content, "base64");
  return { path, bytes: bytes.length, lines: bytes.length > mostBytes ? null : textLines(bytes) };
}

function textLines(bytes: Buffer): string[] | null {
  try {
    const text = decoder.decode(bytes);
    return text.includes("\0") ? null : text.split("\n");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

function linesOf({ path, bytes, lines }: Doc): string[] {
  if (lines) return lines;
  throw new Refusal("no_text", `${path} is no text, or too long (${bytes} bytes).`, "Clone org-shared/docs to see it.");
}

const wordsOf = (query: string): string[] => query.toLowerCase().split(/\s+/).filter(Boolean);

const isBelow = (doc: Doc, path: string): boolean => path === "" || doc.path.startsWith(`${path}/`);

const listed = ({ path, bytes, lines }: Doc): string => `${path} (${bytes} bytes${lines ? "" : ", no text"})`;

function unknown(path: string, docs: readonly Doc[]): Refusal {
  const paths = docs.map((doc) => doc.path);
  const meant = didYouMean(path, paths);
  return new Refusal("unknown_path", `There is no "${path}".${meant}`, "Call it without arguments for the list.");
}

/** The files that have all of the words, those with the most lines of them first; a few lines of each. */
function search(docs: readonly Doc[], words: readonly string[]): string[] {
  const found = docs.flatMap((doc) => {
    const lower = [doc.path, ...(doc.lines ?? [])].map((line) => line.toLowerCase());
    if (!words.every((word) => lower.some((line) => line.includes(word)))) return [];
    const hits = (doc.lines ?? []).flatMap((line, index) =>
      words.some((word) => lower[index + 1]?.includes(word)) ? [`${doc.path}:${index + 1}: ${line.slice(0, 200)}`] : [],
    );
    return [{ hits: hits.length > 0 ? hits : [listed(doc)] }];
  });
  return found.sort((one, other) => other.hits.length - one.hits.length).flatMap(({ hits }) => few(hits));
}

const hitsShown = 5;

const few = (hits: readonly string[]): string[] =>
  hits.length <= hitsShown
    ? [...hits]
    : [...hits.slice(0, hitsShown), `  (${hits.length - hitsShown} more lines there)`];
