import { useId, useState } from "preact/hooks";
import { shown } from "./shown.ts";

/** About what fits in the lines to which the style cuts a text. */
const shortLength = 220;
const shortLines = 3;

/** Text of others, cut to a few lines until somebody wants all of it. */
export function LongText({ text }: { text: string }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const isLong = text.length > shortLength || text.split("\n").length > shortLines;
  return (
    <div class="long-text">
      <p id={id} class={isLong && !isOpen ? "words cut" : "words"} dir="auto">
        {shown(isLong && !isOpen ? text.replace(/\n\s*\n/g, "\n") : text)}
      </p>
      {isLong && (
        <button
          type="button"
          class="quiet-button"
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => setOpen(!isOpen)}
        >
          {isOpen ? "Show less" : "Show all"}
        </button>
      )}
    </div>
  );
}
