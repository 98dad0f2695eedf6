/** What our Forgejo runs for each of its mails, in the place of sendmail: the mail on stdin, its recipients as arguments. */
import { buffer } from "node:stream/consumers";
import { Fault } from "../../contract/fault.ts";
import { systemClock } from "../../daemon/clock.ts";
import { backoffMs, describe } from "../../daemon/fault.ts";
import { type MailSettings, openMail, readMail } from "../up/mail.ts";

/** Forgejo waits 5 minutes for it ([mailer] SENDMAIL_TIMEOUT). */
const tryForMs = 4 * 60_000;

/** Sends it to those who have an address, however long the server takes. @throws Fault, which Forgejo's log then tells of */
export async function sendmail(settings: string, recipients: readonly string[]): Promise<void> {
  const raw = await buffer(process.stdin); // also of what nobody gets: Forgejo takes a closed pipe for a failure
  const mail = readMail(settings);
  const to = mail ? realRecipients(recipients, mail.to) : [];
  if (mail && to.length > 0) await send(mail, { envelope: { from: mail.from, to }, raw });
}

/** The operator has an address of the hive's until it is given another one on the forge; agents never have any. */
const realRecipients = (recipients: readonly string[], operator: string): string[] =>
  recipients
    .map((address) => (address.startsWith("operator@") && isNowhere(address) ? operator : address))
    .filter((address) => !isNowhere(address));

const isNowhere = (address: string): boolean => address.endsWith(".invalid"); // RFC 2606

type Mail = { envelope: { from: string; to: string[] }; raw: Buffer };

async function send(settings: MailSettings, mail: Mail): Promise<void> {
  const server = await openMail(settings);
  const until = performance.now() + tryForMs;
  for (let failures = 1; ; failures += 1) {
    try {
      await server.sendMail(mail);
      return;
    } catch (error) {
      const { responseCode = 0 } = error as { responseCode?: number };
      if (responseCode >= 500 || performance.now() > until)
        throw new Fault(`${settings.host} does not take a mail: ${describe(error)}`);
      await systemClock.wait(backoffMs(failures), new AbortController().signal);
    }
  }
}
