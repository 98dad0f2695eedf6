/**
 * HTML as a value. What is put into a template is escaped unless it is Html itself, so text of users is inert wherever it
 * stands: between tags, and in attributes, which are always written with double quotes.
 */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template. Nothing is shown for null, undefined, false and the empty list. */
export type Part = Html | string | number | null | undefined | false | readonly Part[];

export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, string, at) => text + rendered(parts[at - 1]) + string));
}

/** For text that has been made safe: a sanitizer's or a highlighter's output, or our own file. */
export const trusted = (text: string): Html => new Html(text);

function rendered(part: Part): string {
  if (part === null || part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "string" || typeof part === "number") return escaped(String(part));
  return part.map(rendered).join("");
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const escaped = (text: string): string => unmasked(text).replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);

const MASKS = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]|\r(?!\n)/g;

/**
 * Characters that a reader could be deceived with are shown by their name: those that reorder a line (bidirectional
 * controls, CVE-2021-42574), and control characters other than tab and line breaks. A lone carriage return is one of
 * them: a browser would begin a new line there, and git does not.
 */
export function unmasked(text: string): string {
  return text.replace(MASKS, (sign) => {
    const code = sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `[U+${code}]`;
  });
}
