/**
 * Text of agents, messages and the forge, made fit to be shown: it is a text node wherever it stands, and here what could
 * make it look like other text than it is becomes visible: control characters, overrides of its direction, nothing-spaces.
 */

/** C0 and C1 but tab and line feed; U+061C, 200B, 200E, 200F, 202A–202E, 2060–2069, FEFF. Joiners stay: emoji need them. */
const deceiving = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;

export function shown(text: string): string {
  return text
    .replaceAll("\r\n", "\n")
    .replace(
      deceiving,
      (character) => `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}⟩`,
    );
}

/** The address if a browser may follow it; null for anything but http and https. */
export function followable(url: string): string | null {
  const parsed = URL.parse(url);
  return parsed && (parsed.protocol === "https:" || parsed.protocol === "http:") ? parsed.href : null;
}
