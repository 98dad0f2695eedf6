/** A file of hive/agents to what a schema says it is, or to sentences that name the line and the field of each problem. */
import { LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";

export type Parsed<Content> = { content: Content } | { problems: string[] };

/** The longest file that is parsed, in bytes. */
const maxBytes = 64 * 1024;

/** Parses YAML, which JSON is, too. Aliases, which a small file can blow up with, are refused. */
export function parseFile<Schema extends z.ZodType>(schema: Schema, text: string): Parsed<z.infer<Schema>> {
  if (Buffer.byteLength(text) > maxBytes) return { problems: [`over ${maxBytes} bytes long`] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return {
      problems: document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${firstLine(error.message)}`),
    };
  }
  const aliases: string[] = [];
  visit(document, {
    Alias: (_, { range }) =>
      void aliases.push(`line ${lines.linePos(range?.[0] ?? 0).line}: aliases (*name) are not allowed`),
  });
  if (aliases.length > 0) return { problems: aliases };
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return { content: parsed.data };
  return {
    problems: parsed.error.issues.map(
      (issue) => `${lineOf(document, lines, issue.path)}field ${issue.path.join(".") || "(top)"}: ${messageOf(issue)}`,
    ),
  };
}

/** What is wrong with a name in a map stands one level deeper. */
const messageOf = (issue: z.core.$ZodIssue): string =>
  (issue.code === "invalid_key" ? issue.issues[0]?.message : undefined) ?? issue.message;

const firstLine = (text: string) => text.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? text;

/** The line of the nearest part of the path that stands in the file. */
function lineOf(document: ReturnType<typeof parseDocument>, lines: LineCounter, path: readonly PropertyKey[]): string {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined;
    if (node?.range) return `line ${lines.linePos(node.range[0]).line}: `;
  }
  return "";
}
