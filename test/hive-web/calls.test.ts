import { createHmac } from "node:crypto";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { goodAnswer, goodSecret, goodSession, startWeb, within } from "./start-web.ts";

test("a link's secret becomes a cookie that no script reads and no other site sends", async () => {
  await using web = await startWeb();
  const answer = await web.post("/api/signIn", { secret: goodSecret }, web.page);
  expect(answer.status).toBe(200);
  expect(answer.text).not.toContain(goodSession);
  const [cookie = ""] = answer.headers["set-cookie"] ?? [];
  expect(cookie).toMatch(/^hive-session=s{43}; Path=\/; Max-Age=3[56]\d\d; HttpOnly; SameSite=Strict$/);
  expect(web.hived.signIns).toEqual([{ secret: goodSecret, address: "127.0.0.1" }]);
});

test("behind TLS the cookie is bound to its host", async () => {
  await using web = await startWeb({ dashboardUrl: "https://hive.example" });
  const answer = await web.post("/api/signIn", { secret: goodSecret }, web.page);
  expect(answer.headers["set-cookie"]?.[0]).toMatch(/^__Host-hive-session=.*; Path=\/; .*; Secure$/);
});

test("a used link is refused in hived's words, without a cookie", async () => {
  await using web = await startWeb();
  const answer = await web.post("/api/signIn", { secret: "used" }, web.page);
  expect(answer).toMatchObject({ status: 401 });
  expect(JSON.parse(answer.text)).toEqual({
    code: "not_signed_in",
    message: "This link is used up.",
    next: "Get another.",
  });
  expect(answer.headers).not.toHaveProperty("set-cookie");
});

test("signing out ends the session in hived and clears the cookie", async () => {
  await using web = await startWeb();
  const answer = await web.post("/api/signOut", {});
  expect(answer.status).toBe(200);
  expect(answer.headers["set-cookie"]?.[0]).toMatch(/^hive-session=; Path=\/; Max-Age=0;/);
  expect(web.hived.calls).toBe(1);
});

test("a row of hive-web is forwarded with the session, and answered as hived answers", async () => {
  await using web = await startWeb();
  const answer = await web.post("/api/readState", {});
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toMatchObject({ sequence: 0, agents: [] });
  expect((await web.post("/api/readState", {}, { ...web.page, cookie: "hive-session=short" })).status).toBe(401);
  expect((await web.post("/api/unparkAgent", { agent: "NOT A NAME" })).status).toBe(400);
});

test("rows of other callers, and those with a way of their own, are no calls of a page", async () => {
  await using web = await startWeb();
  for (const name of ["createSignInLink", "readStatus", "deliverWebhook", "watchEvents", "stopHive", "toString", ""]) {
    expect([name, (await web.post(`/api/${name}`, {})).status]).toEqual([name, 404]);
  }
});

test("while hived is away a call is answered at once with 503", async () => {
  await using web = await startWeb();
  await web.hived.stop();
  const answer = await within(2_000, "the answer", web.post("/api/readState", {}));
  expect(answer.status).toBe(503);
});

const secret = "0".repeat(32);
const sign = (body: string) => createHmac("sha256", secret).update(body).digest("hex");

/** A delivery with the headers of Forgejo 7.0.16. */
function delivery(body: string) {
  return {
    "content-type": "application/json",
    "x-forgejo-delivery": "f1b9a1de-0000-4000-8000-000000000001",
    "x-forgejo-event": "push",
    "x-forgejo-event-type": "push",
    "x-forgejo-signature": sign(body),
    "x-gitea-signature": sign(body),
    "x-hub-signature-256": `sha256=${sign(body)}`,
  };
}

test("a delivery reaches hived byte for byte, with its id, event and signature", async () => {
  await using web = await startWeb();
  const body = '\ufeff{ "text":  "ünïcode \\u0000 \u2028" }\r\n';
  const headers = { host: web.site.hookHost, ...delivery(body) };
  expect(await web.ask({ method: "POST", path: "/hook", headers, body })).toMatchObject({ status: 200 });
  expect(web.hived.deliveries).toEqual([
    {
      id: "f1b9a1de-0000-4000-8000-000000000001",
      event: "push",
      signature: `sha256=${sign(body)}`,
      body,
    },
  ]);
});

test("an unsigned, doubly signed, oversized or unreadable delivery does not reach hived", async () => {
  await using web = await startWeb();
  const host = web.site.hookHost;
  const { "x-hub-signature-256": _, ...unsigned } = delivery("{}");
  const large = "x".repeat(5 * 1024 * 1024 + 1);
  const send = async (headers: Record<string, string>, body: string | Buffer) =>
    (await web.ask({ method: "POST", path: "/hook", headers: { host, ...headers }, body })).status;
  expect(await send(unsigned, "{}")).toBe(401);
  expect(await send({ ...delivery("{}"), "x-hub-signature-256": "sha256=" }, "{}")).toBe(401);
  expect(await send({ ...delivery("{}"), "x-gitea-signature": sign("other") }, "{}")).toBe(401);
  expect(await send({ ...delivery("{}"), "content-type": "application/x-www-form-urlencoded" }, "{}")).toBe(415);
  expect(await send(delivery(large), large)).toBe(413);
  expect(await send(delivery("{}"), Buffer.from([0x7b, 0xff, 0x7d]))).toBe(400);
  expect(web.hived.deliveries).toEqual([]);
});

test("a delivery of 5 MiB of quotes still fits on the way to hived", async () => {
  await using web = await startWeb();
  const body = '"'.repeat(5 * 1024 * 1024);
  const headers = { host: web.site.hookHost, ...delivery(body) };
  expect(await web.ask({ method: "POST", path: "/hook", headers, body })).toMatchObject({ status: 200 });
});

test("a client that drips its headers, or a body that is not wanted, is cut off", { timeout: 30_000 }, async () => {
  await using web = await startWeb();
  const drip = (first: string, more: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(web.port, "127.0.0.1");
      let text = "";
      socket.write(first);
      const dripping = setInterval(() => socket.write(more), 200);
      socket.on("data", (chunk) => {
        text += chunk;
      });
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        clearInterval(dripping);
        resolve(text);
      });
    });
  const host = `Host: ${web.site.hookHost}\r\n`;
  const [headers, body] = await within(
    20_000,
    "the cut",
    Promise.all([
      drip(`GET / HTTP/1.1\r\n${host}`, "x-a: b\r\n"),
      drip(`POST /hook HTTP/1.1\r\n${host}content-type: application/json\r\ncontent-length: 100000\r\n\r\n`, "y"),
    ]),
  );
  expect(headers).toMatch(/^HTTP\/1.1 408 /);
  expect(body).toMatch(/^HTTP\/1.1 4(01|08) /);
});

test("a browser goes to the forge with a ticket in a cookie, and comes back with it for a session", async () => {
  await using web = await startWeb();
  const begun = await web.post("/api/beginForgeSignIn", {}, web.page);
  expect(JSON.parse(begun.text)).toEqual({ url: "http://127.0.0.1:3000/login/oauth/authorize" });
  const [ticket = ""] = begun.headers["set-cookie"] ?? [];
  expect(ticket).toMatch(/^hive-ticket=t+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
  const body = { answer: goodAnswer };
  expect((await web.post("/api/finishForgeSignIn", body, web.page)).status).toBe(422);
  const cookie = ticket.split(";")[0] ?? "";
  const done = await web.post("/api/finishForgeSignIn", body, { ...web.page, cookie });
  expect(done.status).toBe(200);
  expect(done.headers["set-cookie"]).toEqual([
    "hive-ticket=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict",
    expect.stringMatching(/^hive-session=s+; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict$/),
  ]);
  expect(done.text).not.toContain(goodSession);
});
