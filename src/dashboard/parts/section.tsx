import type { ComponentChildren } from "preact";

type Props = {
  id: string;
  title: string;
  count?: number | undefined;
  /** shown in place of the children where there is nothing */
  empty?: string | false;
  aside?: ComponentChildren;
  children?: ComponentChildren;
};

/** A region of the page under its heading; what is empty says what would be there. */
export const Section = ({ id, title, count, empty, aside, children }: Props) => (
  <section id={id} class="section" aria-labelledby={`${id}-title`} tabIndex={-1}>
    <div class="section-head">
      <h2 id={`${id}-title`}>
        {title}
        {count !== undefined && count > 0 && (
          <>
            {" "}
            <span class="count">{count}</span>
          </>
        )}
      </h2>
      {aside}
    </div>
    {empty ? <p class="empty">{empty}</p> : children}
  </section>
);
