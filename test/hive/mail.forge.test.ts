/** What the hive asks the operator reaches people by mail: by the hive's own Forgejo, and by one of somebody else's. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AgentName } from "../../src/contract/names.ts";
import { type Forgejo, findForgejo } from "../../src/hive/up/forgejo.ts";
import { provision, provisionAgent } from "../../src/hived/forge/provision.ts";
import { ask } from "../../src/hived/questions/ask.ts";
import { startForgejo } from "../support/forgejo.ts";
import { addIdleAgent, openCore } from "../support/open-core.ts";
import { forgeWork, partsFor } from "../support/provisioned.ts";
import { withToken } from "../support/raw-forge.ts";

const found = await findForgejo();
const alice = AgentName.parse("alice");
const person = "me@example.org";
const password = "let me in";

type Mail = { to: string[]; text: string };

/** A mail server of the test's, which wants a password and keeps what it is sent. */
async function openSink() {
  const mails: Mail[] = [];
  let tell = (): void => undefined;
  const server = new SMTPServer({
    hideSTARTTLS: true,
    allowInsecureAuth: true,
    onAuth: (given, _session, done) =>
      given.username === "hive" && given.password === password
        ? done(null, { user: "hive" })
        : done(new Error("535 not you")),
    onData(stream, session, done) {
      void text(stream).then((source) => {
        mails.push({ to: session.envelope.rcptTo.map(({ address }) => address), text: readable(source) });
        done();
        tell();
      });
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  return {
    mails,
    port: (server.server.address() as AddressInfo).port,
    /** the first mail that fits, of those that are there and those to come */
    async mail(fits: (mail: Mail) => boolean): Promise<Mail> {
      for (;;) {
        const mail = mails.find(fits);
        if (mail) return mail;
        await new Promise<void>((resolve) => (tell = resolve));
      }
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

/** Without the soft line ends of quoted-printable. */
const readable = (source: string): string => source.replaceAll("=\r\n", "").replaceAll("=3D", "=");

const settingsFor = (port: number) => ({ host: "127.0.0.1", port, user: "hive", password, from: "hive@example.org" });

/** The ini of somebody else's Forgejo, which has a mailer of its own. */
const withMailer = (port: number) => (ini: string) =>
  ini.replace("ENABLE_NOTIFY_MAIL = {{mails}}", "ENABLE_NOTIFY_MAIL = true").replace(
    /\[mailer\][^[]*/,
    `[mailer]
ENABLED = true
PROTOCOL = smtp
SMTP_ADDR = 127.0.0.1
SMTP_PORT = ${port}
USER = hive
PASSWD = ${password}
FROM = hive@example.org

`,
  );

const writeSettings = (port: number) => (home: string) =>
  writeFileSync(join(home, "mail.json"), JSON.stringify({ ...settingsFor(port), to: person }), { mode: 0o600 });

describe.runIf(found).each([
  ["the hive's own Forgejo", (port: number) => startForgejo(found as Forgejo, { before: writeSettings(port) })],
  ["somebody else's Forgejo", (port: number) => startForgejo(found as Forgejo, { change: withMailer(port) })],
])("%s", (name, start) => {
  const isOwn = name.includes("own");
  let sink: Awaited<ReturnType<typeof openSink>>;
  let forge: Awaited<ReturnType<typeof start>>;
  beforeAll(async () => {
    sink = await openSink();
    forge = await start(sink.port);
  });
  afterAll(async () => {
    await forge[Symbol.asyncDispose]();
    await sink[Symbol.asyncDispose]();
  });

  test("mails the operator a question with its link, and what is said of it later", async () => {
    await using core = openCore();
    const parts = partsFor(core, forge);
    await provision(parts);
    await addIdleAgent(core, alice);
    await provisionAgent(parts, alice, "worker");
    const admin = withToken(forge.url, readFileSync(forge.adminTokenFile, "utf8").trim());
    if (!isOwn) {
      await admin.call("PATCH", "/admin/users/operator", { email: person, login_name: "operator", source_id: 0 });
      await provision(parts); // which leaves the operator the address
      expect(await admin.call("GET", "/users/operator")).toMatchObject({ email: person });
    }
    core.work(forgeWork(parts));
    await ask(core, alice, { to: "operator", question: "Tabs or spaces?", options: ["tabs", "spaces"], multi: false });
    const link = `${forge.url}/hive/questions/issues/1`;
    const asked = await sink.mail(({ to, text }) => to.includes(person) && text.includes(link));
    expect(asked.text).toContain("Tabs or spaces?");
    const as = (user: string) => withToken(forge.url, parts.tokens.read(user) ?? "");
    const say = (user: string, body: string) =>
      as(user).call("POST", "/repos/hive/questions/issues/1/comments", { body });
    await say("operator", "Which would you take?");
    await say("alice", "I would take tabs.");
    await sink.mail(({ to, text }) => to.includes(person) && text.includes("I would take tabs."));
    if (isOwn) expect(new Set(sink.mails.flatMap(({ to }) => to))).toEqual(new Set([person])); // agents have no mailbox
  });
});
