/** A real browser, without a window, and what it has to say against the pages that it shows. */
import chromium from "@sparticuz/chromium";
import { type Browser, type Page, chromium as playwright } from "playwright-core";

/** Not with the flags that the package proposes: they put all pages into one process (`--single-process`). */
export const launchBrowser = async (): Promise<Browser> =>
  playwright.launch({ executablePath: await chromium.executablePath(), args: ["--no-sandbox"] });

/** Collects from now on: errors of scripts, what they log as errors, violations of the page's policy, and dialogs. */
export function complaintsOf(page: Page, complaints: string[] = []): string[] {
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("dialog", (dialog) => complaints.push(`a dialog: ${dialog.message()}`));
  return complaints;
}
