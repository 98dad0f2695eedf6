import type { ComponentChildren } from "preact";
import { OutsideIcon } from "./icons.tsx";
import { followable } from "./shown.ts";

type Props = { href: string | null; kind?: "plain" | "button"; children: ComponentChildren };

/** A way into the forge, in a tab of its own, so that the live page stays; mere text when its address is not to be followed. */
export function OutsideLink({ href, kind = "plain", children }: Props) {
  const url = href === null ? null : followable(href);
  if (url === null) return <span>{children}</span>;
  return (
    <a class={kind === "button" ? "button" : "outside"} href={url} target="_blank" rel="noopener noreferrer">
      {children}
      {"\u00a0"}
      <OutsideIcon />
      <span class="unseen"> (opens a new tab)</span>
    </a>
  );
}
