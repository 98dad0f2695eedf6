import type { ComponentChildren } from "preact";
import type { Tone } from "./words.ts";

/** A state in a word; its tone is a colour and the shape of its mark, and neither says more than the word. */
export const Chip = ({ tone, children }: { tone: Tone; children: ComponentChildren }) => (
  <span class={`chip ${tone}`}>{children}</span>
);

/** What something is, where there is nothing to look out for. */
export const Tag = ({ children }: { children: ComponentChildren }) => <span class="tag">{children}</span>;
