/**
 * mail.json in a hive's home: the mail server that the hive's own Forgejo sends by, and who gets what it tells the operator.
 * Forgejo is given a program of ours to send with. So the password stays in this one file, a change of it counts at once, and
 * nothing goes to agents, whose addresses nobody has: to a server it would be one undeliverable mail after the other.
 */
import { chmodSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";
import { describe } from "../../daemon/fault.ts";
import { replaceFile } from "../../daemon/replace-file.ts";
import { type Home, readIfThere } from "./home.ts";
import { node } from "./node.ts";
import type { ForgeRecord } from "./record.ts";
import type { Steps } from "./steps.ts";

const MailSettings = z
  .strictObject({
    host: z.string().min(1),
    /** 465 is TLS from the start; by any other, TLS is asked for, and demanded of all that are not on this machine */
    port: z.number().int().min(1).max(65_535).default(465),
    user: z.string().min(1).optional(),
    password: z.string().min(1).optional(),
    from: z.email(),
    to: z.email(),
  })
  .refine(
    ({ user, password }) => (user === undefined) === (password === undefined),
    "user and password belong together",
  );
export type MailSettings = z.output<typeof MailSettings>;

/** undefined when there are none. @throws Refusal `mail_unusable`, which never repeats what is in the file. */
export function readMail(path: string): MailSettings | undefined {
  try {
    const text = readIfThere(path);
    if (text === undefined) return undefined;
    if ((statSync(path).mode & 0o077) !== 0) throw unusable(path, "can be read by others", `Run: chmod 600 ${path}`);
    return MailSettings.parse(JSON.parse(text));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES") throw unusable(path, "cannot be read by the hive's user", "Give the file to that user.");
    if (error instanceof SyntaxError) throw unusable(path, "is not JSON", correct);
    if (!(error instanceof z.ZodError)) throw error;
    const wrong = error.issues.map((issue) => [issue.path.join("."), issue.message].filter(Boolean).join(": "));
    throw unusable(path, `has something wrong (${wrong.join("; ")})`, correct);
  }
}

const correct = "Correct it (docs/threads.md has an example), or remove it for a hive without mails.";
const unusable = (path: string, why: string, next: string) => new Refusal("mail_unusable", `${path} ${why}.`, next);

/** The connection to the mail server: what is sent is never sent without TLS over a network. */
export async function openMail({ host, port, user, password }: MailSettings) {
  const { createTransport } = await import("nodemailer"); // few starts need it
  return createTransport({
    ...{ host, port, secure: port === 465, requireTLS: !/^(localhost|127\..*|::1)$/.test(host) },
    ...(user === undefined ? {} : { auth: { user, pass: password } }),
    ...{ connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 },
  });
}

/** What app.ini says of it; makes the program that Forgejo calls as it would call sendmail. */
export function mailInForgejo({ mail, forge }: Home): { mails: string; mailFrom: string; sendmail: string } {
  const settings = readMail(mail);
  const sendmail = join(forge, "sendmail");
  const command = [...node, join(import.meta.dirname, "../main.ts"), "sendmail", mail].map(quoted).join(" ");
  replaceFile(sendmail, `#!/bin/sh\nexec ${command} "$@"\n`);
  chmodSync(sendmail, 0o700);
  return { mails: String(settings !== undefined), mailFrom: settings?.from ?? "", sendmail };
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Says at a start where mails go. A mail server that does not answer just now is no reason not to start. */
export async function tellOfMail({ mail }: Home, { kind }: ForgeRecord, steps: Pick<Steps, "note">): Promise<void> {
  const settings = readMail(mail);
  if (!settings) return;
  if (kind !== "managed")
    return steps.note(`WARNING: ${mail} is of no use: only a Forgejo that the hive runs by itself sends by it.`);
  const server = await openMail(settings);
  const problem = await server.verify().then(() => null, describe);
  steps.note(
    problem === null ? `Mails go to ${settings.to}.` : `WARNING: mails can't be sent by ${settings.host}: ${problem}`,
  );
}
