/** What is said of a mail.json that will not do; its password never. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { homeAt } from "../../src/hive/up/home.ts";
import { readMail, tellOfMail } from "../../src/hive/up/mail.ts";
import { freePort } from "../support/free-port.ts";

const good = { host: "127.0.0.1", user: "me", password: "let me in", from: "hive@example.org", to: "me@example.org" };
let top: string;
let path: string;
beforeEach(() => {
  top = mkdtempSync("/tmp/hive-mail-");
  path = homeAt(top).mail;
});
afterEach(() => rmSync(top, { recursive: true }));

const write = (settings: object | string) =>
  writeFileSync(path, typeof settings === "string" ? settings : JSON.stringify(settings), { mode: 0o600 });

test("a hive without mail.json has no mails; one that is as it should be is taken, with the usual port", () => {
  expect(readMail(path)).toBeUndefined();
  write(good);
  expect(readMail(path)).toEqual({ ...good, port: 465 });
});

test.each<[string, object | string, RegExp]>([
  ["no JSON", '{ "password": "let me in" ', /mail\.json is not JSON\.$/],
  ["no address", { ...good, to: "let me in" }, /\(to: Invalid email address\)\.$/],
  ["a word that is none", { ...good, tls: true }, /\(Unrecognized key: "tls"\)\.$/],
  ["a password without a user", { ...good, user: undefined }, /\(user and password belong together\)\.$/],
])("%s is refused with what is wrong, and without the password", (_, settings, sentence) => {
  write(settings);
  expect(() => readMail(path)).toThrow(
    expect.objectContaining({ code: "mail_unusable", message: expect.stringMatching(sentence) }),
  );
  expect(() => readMail(path)).not.toThrow(/let me in/);
});

test("one that others can read is refused, with the command that mends it", () => {
  write(good);
  chmodSync(path, 0o640);
  expect(() => readMail(path)).toThrow(
    expect.objectContaining({ code: "mail_unusable", next: `Run: chmod 600 ${path}` }),
  );
});

test("a start says when the server does not answer, or the forge does not send by it", async () => {
  write({ ...good, port: await freePort() });
  const said: string[] = [];
  const steps = { note: (text: string) => void said.push(text) };
  await tellOfMail(homeAt(top), { kind: "managed", port: 1 }, steps);
  await tellOfMail(homeAt(top), { kind: "embedded", port: 1 }, steps);
  expect(said).toEqual([
    expect.stringMatching(/^WARNING: mails can't be sent by 127\.0\.0\.1: .*ECONNREFUSED/),
    expect.stringMatching(/^WARNING: .*mail\.json is of no use/),
  ]);
});
