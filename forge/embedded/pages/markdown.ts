/**
 * Markdown to HTML that is safe to show. The text may hold HTML, as on Forgejo; what is not on the short list below is
 * dropped afterwards, comments included (hidden blocks in an issue's body stay hidden).
 */
import { randomBytes } from "node:crypto";
import MarkdownIt, { type MarkdownIt as Parser, type StateCore, type Token } from "markdown-it";
import sanitizeHtml from "sanitize-html";
import type { Repo } from "../domain/repos.ts";
import { highlightedLines, languageOf, lineHtml } from "./code.ts";
import { type Html, html, trusted, unmasked } from "./html.ts";
import { type Place, placePath, repoPath } from "./paths.ts";

/** Where the text stands. `#12` is an issue of this repository. */
export interface Surroundings {
  repo: Pick<Repo, "owner_name" | "name">;
  /** Of a file: what relative links start from. */
  file?: { place: Place; folder: string };
  /** Stands in a form of ours: check boxes can be pressed, and each is a field `box` with the number of its line. */
  isForm?: boolean;
}

/** Longer texts are shown as they are: a comment of this length is a file that should have been committed. */
const MAX_CHARACTERS = 200_000;

/** In a comment a line break is a line break; in a file it is a space, as in any markdown document. */
const parsers = { comment: parserWith({ breaks: true }), file: parserWith({ breaks: false }) };

export function markdown(text: string, where: Surroundings): Html {
  if (text.length > MAX_CHARACTERS) return html`<pre class="markdown">${text}</pre>`;
  const parser = where.file ? parsers.file : parsers.comment;
  // By which a box of ours is told from one that somebody wrote as HTML, which would be sent unseen.
  const mark = where.isForm ? randomBytes(8).toString("hex") : undefined;
  const rendered = parser.render(unmasked(text), { issues: `${repoPath(where.repo)}/issues/`, mark });
  return html`<div class="markdown">${trusted(sanitizeHtml(rendered, allowedIn(where, mark)))}</div>`;
}

/** The text with exactly the boxes of these lines ticked; lines count from 0. */
export function withTicks(text: string, ticked: ReadonlySet<number>): string {
  const lines = text.split("\n");
  const tokens = parsers.comment.parse(unmasked(text), {});
  for (const [at, token] of tokens.entries()) {
    const line = token.map?.[0] ?? 0;
    if (isItemsText(tokens, at) && taskMark.test(token.content))
      lines[line] = lines[line]?.replace(/\[[ xX]\]/, ticked.has(line) ? "[x]" : "[ ]") ?? "";
  }
  return lines.join("\n");
}

function parserWith(options: { breaks: boolean }): Parser {
  const parser = new MarkdownIt({ html: true, linkify: true, highlight: highlightedBlock, ...options });
  parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
  parser.core.ruler.push("task_lists", (state) => {
    for (const [at, token] of state.tokens.entries()) if (isItemsText(state.tokens, at)) showTask(token, state);
  });
  parser.core.ruler.push("references", (state) => {
    for (const token of state.tokens) linkNumbers(token, state.Token, String(state.env["issues"]));
  });
  return parser;
}

function highlightedBlock(code: string, language: string): string {
  const lines = highlightedLines(code, languageOf(language));
  return lines.map((line) => `${lineHtml(line).text}\n`).join("");
}

type TokenClass = StateCore["Token"];

const isItemsText = (tokens: readonly Token[], at: number): boolean =>
  tokens[at - 1]?.type === "paragraph_open" && tokens[at - 2]?.type === "list_item_open";

const taskMark = /^\[([ xX])\]\s+/;

/** `[ ]` and `[x]` at the start of a list item become check boxes, which can be pressed in a form alone. */
function showTask(item: Token, { Token: TokenOf, env, md }: StateCore): void {
  const [first] = item.children ?? [];
  const found = first?.type === "text" ? taskMark.exec(first.content) : null;
  if (!first || !found) return;
  const isDone = found[1] !== " ";
  const box = new TokenOf("html_inline", "", 0);
  first.content = first.content.slice(found[0].length);
  const name = env["mark"] ? md.utils.escapeHtml(first.content) : isDone ? "done" : "not done";
  box.content = `<input data-box="${env["mark"]}-${item.map?.[0]}" ${isDone ? "checked " : ""}aria-label="${name}"> `;
  item.children?.unshift(box);
}

/** Makes `#12` in running text a link; the page of the issue leads on when it is a pull request. */
function linkNumbers(inline: Token, TokenOf: TokenClass, issues: string): void {
  if (!inline.children) return;
  let isInLink = false;
  inline.children = inline.children.flatMap((child) => {
    if (child.type === "link_open") isInLink = true;
    if (child.type === "link_close") isInLink = false;
    if (child.type !== "text" || isInLink) return [child];
    return child.content.split(/(?<![\w&#/])(#\d{1,9})\b/).map((piece, at) => {
      const token = new TokenOf(at % 2 === 1 ? "html_inline" : "text", "", 0);
      token.content = at % 2 === 1 ? `<a href="${issues}${piece.slice(1)}">${piece}</a>` : piece;
      return token;
    });
  });
}

const TAGS =
  "a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img input ins kbd li mark ol p pre q s " +
  "samp small span strong sub summary sup table tbody td tfoot th thead tr ul var";

/** @param mark what a box begins with that can be pressed */
function allowedIn(where: Surroundings, mark: string | undefined): sanitizeHtml.IOptions {
  return {
    allowedTags: TAGS.split(" "),
    allowedAttributes: {
      a: ["href", "title", "rel"],
      img: ["src", "alt", "title", "width", "height"],
      input: ["type", "name", "value", "disabled", "checked", "aria-label"],
      ol: ["start"],
      td: ["class", "colspan", "rowspan"],
      th: ["class", "colspan", "rowspan"],
      details: ["open"],
    },
    allowedClasses: { span: [/^hljs-/, /^language-/], td: [/^align-/], th: [/^align-/] },
    allowedSchemes: ["http", "https", "mailto"],
    allowProtocolRelative: false,
    transformTags: {
      a: (tagName, attribs) => link(tagName, attribs, where),
      img: (tagName, attribs) => image(tagName, attribs, where),
      input: (tagName, attribs) => ({ tagName, attribs: checkBox(attribs, mark) }),
      td: aligned,
      th: aligned,
    },
  };
}

const dead = { type: "checkbox", disabled: "" };

/** Whatever field it would be is shown as a box; one that can be pressed is ours. */
function checkBox(attribs: sanitizeHtml.Attributes, mark: string | undefined): sanitizeHtml.Attributes {
  const { name: _name, value: _value, "data-box": box = "", ...shown } = attribs;
  if (mark === undefined || !box.startsWith(`${mark}-`)) return { ...dead, ...shown, ...dead };
  return { ...shown, type: "checkbox", name: "box", value: box.slice(mark.length + 1) };
}

const REL = "nofollow noopener noreferrer";

function link(tagName: string, attribs: sanitizeHtml.Attributes, where: Surroundings): sanitizeHtml.Tag {
  const { href } = attribs;
  if (href === undefined) return { tagName, attribs };
  return { tagName, attribs: { ...attribs, href: resolved(href, "src", where), rel: REL } };
}

/** A picture from another site is not loaded (it would tell that site who reads this): it becomes a link. */
function image(tagName: string, attribs: sanitizeHtml.Attributes, where: Surroundings): sanitizeHtml.Tag {
  const source = resolved(attribs["src"] ?? "", "raw", where);
  if (source.startsWith("/") && !source.startsWith("//")) return { tagName, attribs: { ...attribs, src: source } };
  return { tagName: "a", attribs: { href: source, rel: REL }, text: attribs["alt"] || source };
}

/** Only for the arithmetic of paths: it does not stay in the result. */
const NOWHERE = "http://forge.invalid";

/** In a file, relative links lead to files beside it, and those from `/` to the repository's top. */
function resolved(href: string, view: "src" | "raw", where: Surroundings): string {
  if (!where.file || href.startsWith("#") || href.startsWith("//") || URL.canParse(href)) return href;
  const top = `${NOWHERE}${placePath(where.repo, view, where.file.place)}`;
  const base = `${NOWHERE}${placePath(where.repo, view, where.file.place, where.file.folder)}/`;
  const target = href.startsWith("/") ? `${top}${href}` : href;
  if (!URL.canParse(target, base)) return href;
  const { pathname, search, hash } = new URL(target, base);
  return `${pathname}${search}${hash}`;
}

/** The style sheet is the only place for style: the alignment of a table's column becomes a class. */
function aligned(tagName: string, attribs: sanitizeHtml.Attributes): sanitizeHtml.Tag {
  const side = /text-align:\s*(left|center|right)/.exec(attribs["style"] ?? "")?.[1] ?? attribs["align"];
  const { class: _class, style: _style, align: _align, ...rest } = attribs;
  return { tagName, attribs: { ...rest, ...(side ? { class: `align-${side}` } : {}) } };
}
