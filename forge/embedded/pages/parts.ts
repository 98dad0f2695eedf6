/** Small pieces that several pages show: people, times, labels, states. */
import type { Label } from "../domain/labels.ts";
import type { StatusState } from "../domain/statuses.ts";
import { type Html, html } from "./html.ts";
import { ownerPath } from "./paths.ts";

/** A coloured disc with a name's first letter. Colours stand in SVG attributes, which the policy against inline style leaves alone. */
export function avatar(name: string, size: number): Html {
  let hue = 7;
  for (const letter of name) hue = (hue * 31 + (letter.codePointAt(0) ?? 0)) % 360;
  return html`<svg class="avatar" width="${size}" height="${size}" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="10" fill="hsl(${hue} 45% 42%)"/><text x="10" y="10.5" fill="#fff" font-size="10.5" font-weight="600" text-anchor="middle" dominant-baseline="central">${name.charAt(0).toUpperCase()}</text></svg>`;
}

/** A name that leads to its page; the ghost, which stands for deleted users, has none. */
export const person = (name: string): Html =>
  name === "Ghost"
    ? html`<strong class="person">${name}</strong>`
    : html`<a class="person" href="${ownerPath(name)}">${name}</a>`;

export const labelTag = (label: Label): Html =>
  html`<span class="label" title="${label.description}"><svg width="10" height="10" viewBox="0 0 10 10" aria-hidden="true"><circle cx="5" cy="5" r="5" fill="#${label.color}"/></svg>${label.name}</span>`;

const STEPS: [number, string][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [30, "day"],
  [12, "month"],
  [Number.POSITIVE_INFINITY, "year"],
];

/** How long ago, with the exact moment as its title. Both in milliseconds since 1970. */
export function ago(at: number, now: number): Html {
  const exact = new Date(at).toISOString();
  return html`<time datetime="${exact}" title="${exact.replace("T", " ").slice(0, 16)} UTC">${agoText(at, now)}</time>`;
}

function agoText(at: number, now: number): string {
  let amount = Math.max(0, Math.floor((now - at) / 1000));
  if (amount < 10) return "just now";
  for (const [size, unit] of STEPS) {
    if (amount < size) return `${amount} ${unit}${amount === 1 ? "" : "s"} ago`;
    amount = Math.floor(amount / size);
  }
  return "long ago";
}

const STATUS_SIGNS: Record<StatusState, string> = {
  success: "✓",
  pending: "●",
  warning: "!",
  failure: "✕",
  error: "✕",
};

export const statusSign = (state: StatusState): Html =>
  html`<span class="status-sign ${state}" role="img" aria-label="${state}">${STATUS_SIGNS[state]}</span>`;

/** "1 commit", "2 commits". */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Why a form was not carried out, above the form. */
export const refusedNote = (sentence: string | undefined): Html | false =>
  sentence !== undefined && html`<p class="note refused" role="alert">${sentence}</p>`;

/** A size as people say it. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return counted(bytes, "byte");
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
