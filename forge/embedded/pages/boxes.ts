/** The check boxes of a text, which whoever may change it ticks where it is read. */
import { createHash } from "node:crypto";
import { z } from "zod";
import { Refusal } from "../domain/refusal.ts";
import { formIds } from "./form-fields.ts";
import { withTicks } from "./markdown.ts";

/** Differs when somebody has changed the text; a comment has no title. */
export const textVersion = ({ title = "", body }: { title?: string; body: string }): string =>
  createHash("sha256").update(`${title}\n${body}`).digest("hex").slice(0, 16);

const BoxesForm = z.object({ version: z.string(), box: formIds });

/** @throws Refusal 409 when the text is not the one that was shown */
export function tickedText(form: unknown, text: string, now: string): string {
  const { version, box } = BoxesForm.parse(form);
  if (version !== now)
    throw new Refusal(409, "The text was changed since its page was opened, so nothing was saved: tick once more.");
  return withTicks(text, new Set(box));
}
