import { expect, test } from "vitest";
import { startWeb } from "./start-web.ts";

const routes = [
  { method: "GET", path: "/" },
  { method: "GET", path: "/assets/app-1.js" },
  { method: "GET", path: "/api/events?after=0" },
  { method: "POST", path: "/api/signIn" },
  { method: "POST", path: "/api/signOut" },
  { method: "POST", path: "/api/readState" },
  { method: "POST", path: "/api/readWaiting" },
  { method: "POST", path: "/hook" },
  { method: "GET", path: "/no/such.thing" },
];

const wrongHosts = [
  "evil.test",
  "evil.test:7777",
  "hive.localhost",
  "hive.localhost:7778",
  "hive.localhost.:7777",
  "HIVE.LOCALHOST:7777",
  "x.hive.localhost:7777",
  "user@hive.localhost:7777",
  "localhost:7777",
  "[::1]:7777",
  "127.0.0.2:7777",
  "0.0.0.0:7777",
];

test("nothing is served under another host name, whatever the route", async () => {
  await using web = await startWeb();
  for (const host of wrongHosts) {
    for (const { method, path } of routes) {
      const headers = { ...web.signedIn, host, "content-type": "application/json" };
      const answer = await web.ask({ method, path, headers, body: method === "POST" ? "{}" : "" });
      expect([host, path, answer.status]).toEqual([host, path, 421]);
    }
  }
  expect(web.hived.calls).toBe(0);
});

test("a target that names a host of its own is not served", async () => {
  await using web = await startWeb();
  const answer = await web.ask({ path: "http://hive.localhost:7777/", headers: web.page });
  expect(answer.status).toBe(421);
});

test("the loopback address serves the hook and nothing of the dashboard", async () => {
  await using web = await startWeb();
  const host = web.site.hookHost;
  expect((await web.ask({ path: "/health", headers: { host } })).status).toBe(200);
  for (const { method, path } of routes.filter((route) => route.path !== "/hook")) {
    const answer = await web.ask({ method, path, headers: { ...web.signedIn, host } });
    expect([path, answer.status]).toEqual([path, 404]);
  }
  expect((await web.ask({ method: "POST", path: "/hook", headers: web.page })).status).toBe(405);
});

test("a call counts only when it comes from the dashboard's own pages", async () => {
  await using web = await startWeb();
  const { host, cookie } = web.signedIn;
  const strangers: Record<string, string>[] = [
    {},
    { origin: web.site.origin },
    { "sec-fetch-site": "same-origin" },
    { origin: "http://hive.localhost:9999", "sec-fetch-site": "same-site" }, // another port, to which the cookie goes
    { origin: web.site.origin, "sec-fetch-site": "same-site" },
    { origin: web.site.origin, "sec-fetch-site": "cross-site" },
    { origin: web.site.origin, "sec-fetch-site": "none" },
    { origin: "https://hive.localhost:7777", "sec-fetch-site": "same-origin" },
    { origin: "http://hive.localhost:7777.evil.test", "sec-fetch-site": "same-origin" },
    { origin: "null", "sec-fetch-site": "same-origin" },
  ];
  for (const stranger of strangers) {
    for (const name of ["signIn", "signOut", "readState", "readWaiting", "unknown"]) {
      const answer = await web.post(`/api/${name}`, {}, { host, cookie, ...stranger });
      expect([stranger, answer.status]).toEqual([stranger, 403]);
    }
    const { origin, "sec-fetch-site": site } = stranger;
    if (site === "same-origin" && origin === undefined) continue; // so asks a browser's own EventSource
    const events = await web.ask({ path: "/api/events?after=0", headers: { host, cookie, ...stranger } });
    expect([stranger, events.status]).toEqual([stranger, 403]);
  }
  expect(web.hived.calls).toBe(0);
  expect(web.hived.watching).toEqual([]);
});

test("only JSON is taken, and no more than its limit", async () => {
  await using web = await startWeb();
  const headers = web.signedIn;
  const form = { ...headers, "content-type": "text/plain" };
  expect((await web.ask({ method: "POST", path: "/api/readState", headers: form, body: "{}" })).status).toBe(415);
  expect((await web.post("/api/readState", { padding: "x".repeat(70_000) })).status).toBe(413);
  const broken = { ...headers, "content-type": "application/json" };
  expect((await web.ask({ method: "POST", path: "/api/readState", headers: broken, body: "{" })).status).toBe(400);
  expect(web.hived.calls).toBe(0);
});

test("every answer carries the strict headers, errors too", async () => {
  await using web = await startWeb();
  const answers = await Promise.all([
    web.ask({ path: "/", headers: web.page }),
    web.ask({ path: "/no/such.thing", headers: web.page }),
    web.ask({ path: "/", headers: { host: "evil.test" } }),
    web.ask({ method: "DELETE", path: "/", headers: web.page }),
    web.post("/api/readState", {}),
    web.post("/api/readState", { padding: "x".repeat(70_000) }),
    web.post("/api/readState", {}, web.page),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 404, 421, 405, 200, 413, 401]);
  for (const { headers } of answers) {
    expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self';");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-resource-policy": "same-origin",
    });
    expect(headers).not.toHaveProperty("server");
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  }
});

test("the front page is served for every path that only the front end knows, built files for good", async () => {
  await using web = await startWeb();
  const page = await web.ask({ path: "/agents/alice?tab=inbox", headers: { host: web.site.host } });
  expect(page).toMatchObject({ status: 200, text: "<title>front</title>" });
  expect(page.headers).toMatchObject({ "content-type": "text/html; charset=utf-8", "cache-control": "no-cache" });
  const script = await web.ask({ path: "/assets/app-1.js", headers: { host: web.site.host } });
  expect(script.headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
  });
  const up = await web.ask({ path: "/assets/../../web.sock", headers: { host: web.site.host } });
  expect(up.status).toBe(404);
});
