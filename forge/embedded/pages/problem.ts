/** Pages for what went wrong: a sentence, and a way on. */
import { z } from "zod";
import { Refusal } from "../domain/refusal.ts";
import { html } from "./html.ts";
import type { Page } from "./visit.ts";

const HEADINGS: Record<number, string> = {
  400: "That cannot be understood",
  401: "You are not signed in",
  403: "You may not do that",
  404: "Not found",
  409: "Something has changed in between",
  413: "That is too large",
  421: "Wrong address",
};

export function problemPage(status: number, sentence: string): Page {
  const title = HEADINGS[status] ?? (status < 500 ? "That was refused" : "Something went wrong");
  const content = html`<section class="problem"><p class="problem-code" aria-hidden="true">${status}</p>
<h1>${title}</h1>
<p>${sentence}</p>
<p><a class="button" href="/">Go to the front page</a></p></section>`;
  return { title, content, status };
}

/** A refusal's text for a person. The forge's words for "not there" name ids, and say nothing that a reader could use. */
export function sentenceOf(refusal: Refusal): string {
  if (refusal.status === 404) return "There is nothing here, or you may not see it.";
  const text = refusal.message.trim() || "You are not allowed to do this.";
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?)\]]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** What a framework's or our own error means to the browser; undefined is a bug of ours. */
export function refusalOf(error: unknown): { status: number; sentence: string } | undefined {
  if (error instanceof Refusal) return { status: error.status, sentence: sentenceOf(error) };
  if (error instanceof z.ZodError)
    return { status: 400, sentence: "The form is incomplete. Go back, reload the page and try again." };
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status === 413) return { status, sentence: "A form may have 2 MiB at most." };
  return status >= 400 && status < 500 ? { status, sentence: "The request cannot be understood." } : undefined;
}
