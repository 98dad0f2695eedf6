/** What a file's page shows of it: rendered, as numbered lines, as a picture, or only that it is there. */
import { readBlob, type TreeEntry } from "../git/objects.ts";
import { highlightedLines, languageOf, lineHtml } from "./code.ts";
import { type Html, html, type Part } from "./html.ts";
import { markdown } from "./markdown.ts";
import { bytesText, counted } from "./parts.ts";
import { placePath } from "./paths.ts";
import type { PlaceVisit } from "./repo-visit.ts";
import type { Visit } from "./visit.ts";

const MAX_SHOWN_BYTES = 1024 * 1024;

export async function fileContent(visit: Visit, at: PlaceVisit, entry: TreeEntry): Promise<Html> {
  if (entry.type === "commit") return card(at, [], html`<p class="empty">A submodule at commit ${entry.sha}.</p>`);
  const bytes = await readBlob(visit.forge.git, at.dir, entry.sha, MAX_SHOWN_BYTES);
  const size = bytesText(entry.size);
  if (imageType(bytes) && entry.size <= MAX_SHOWN_BYTES) return card(at, [size], picture(at));
  if (!isText(bytes)) return card(at, [size], html`<p class="empty">A binary file: its content is not shown.</p>`);
  if (entry.size > MAX_SHOWN_BYTES)
    return card(at, [size], html`<p class="empty">Too large to be shown: open it raw.</p>`);
  const text = bytes.toString("utf8");
  if (isMarkdown(at.path) && visit.query["display"] !== "source") return card(at, [size], rendered(at, text), "source");
  const lines = highlightedLines(text, languageOf(at.path));
  const facts = [
    counted(lines.length, "line"),
    size,
    entry.mode === "100755" && "executable",
    entry.mode === "120000" && "symbolic link",
  ];
  const rows = lines.map(
    (line, index) =>
      html`<tr id="L${index + 1}"><td class="number"><a href="#L${index + 1}">${index + 1}</a></td><td class="code">${lineHtml(line)}</td></tr>\n`,
  );
  const table = html`<table class="source" aria-label="Content of ${at.path}"><tbody>${rows}</tbody></table>`;
  return card(
    at,
    facts,
    lines.length === 0 ? html`<p class="empty">An empty file.</p>` : table,
    isMarkdown(at.path) ? "rendered" : undefined,
  );
}

const isMarkdown = (path: string): boolean => /\.(md|markdown)$/i.test(path);

function card(at: PlaceVisit, facts: Part[], body: Html, otherView?: "source" | "rendered"): Html {
  const source = placePath(at.repo, "src", at.place, at.path);
  return html`<section class="card file-card">
<div class="file-bar"><span class="dim">${facts.filter((fact) => fact !== false).map((fact, index) => html`${index > 0 && " · "}${fact}`)}</span>
<span class="links">${otherView === "source" && html`<a href="${source}?display=source">Source</a> `}${otherView === "rendered" && html`<a href="${source}">Rendered</a> `}<a href="${placePath(at.repo, "raw", at.place, at.path)}">Raw</a> <a href="${placePath(at.repo, "commits", at.place, at.path)}">History</a></span></div>
${body}
</section>`;
}

const picture = (at: PlaceVisit): Html =>
  html`<p class="picture"><img src="${placePath(at.repo, "raw", at.place, at.path)}" alt="${at.path}"></p>`;

function rendered(at: PlaceVisit, text: string): Html {
  const folder = at.path.slice(0, Math.max(0, at.path.lastIndexOf("/")));
  return markdown(text, { repo: at.repo, file: { place: at.place, folder } });
}

/** As git judges it: no zero byte near the start. */
export const isText = (bytes: Buffer): boolean => !bytes.subarray(0, 8000).includes(0);

const IMAGES: [string, string][] = [
  ["89504e470d0a1a0a", "image/png"],
  ["ffd8ff", "image/jpeg"],
  ["47494638", "image/gif"],
];

/** Pictures of pixels, by their first bytes. SVG is a document that may hold scripts: it is text here. */
export function imageType(bytes: Buffer): string | undefined {
  const start = bytes.subarray(0, 12);
  if (start.toString("latin1", 0, 4) === "RIFF" && start.toString("latin1", 8, 12) === "WEBP") return "image/webp";
  return IMAGES.find(([magic]) => start.toString("hex").startsWith(magic))?.[1];
}
