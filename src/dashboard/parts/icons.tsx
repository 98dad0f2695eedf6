/** The few pictures of the page; none says anything that does not stand beside it in words. */
import type { ComponentChildren } from "preact";

const Icon = ({ children }: { children: ComponentChildren }) => (
  <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    {children}
  </svg>
);

export const HiveMark = () => (
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path class="mark-cell" d="M16 1.5 28.6 8.75v14.5L16 30.5 3.4 23.25V8.75z" />
    <path class="mark-core" d="M16 9.2l5.9 3.4v6.8L16 22.8l-5.9-3.4v-6.8z" />
  </svg>
);

export const OutsideIcon = () => (
  <Icon>
    <path d="M6.5 3.5h-3v9h9v-3M9.5 2.5h4v4M13.5 2.5 7.5 8.5" />
  </Icon>
);

export const ArrowIcon = () => (
  <Icon>
    <path d="M2.5 8h10.5M9.5 4.5 13 8l-3.5 3.5" />
  </Icon>
);

export const AlertIcon = () => (
  <Icon>
    <path d="M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.5v.2" />
  </Icon>
);
