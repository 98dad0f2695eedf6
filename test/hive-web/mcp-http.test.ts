/** `/mcp` as an MCP client finds it: what is let through to hived, which here is played, and what is not. */
import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import { expect, test } from "vitest";
import { goodToken, startWeb } from "./start-web.ts";

const call = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });
const headers = (host: string, more: Record<string, string> = {}) => ({
  host,
  "content-type": "application/json",
  authorization: `Bearer ${goodToken}`,
  ...more,
});

test("a message with a token is passed on as it is, at the loopback address and at the dashboard's", async () => {
  await using web = await startWeb();
  for (const host of [web.site.hookHost, web.site.host]) {
    const answer = await web.ask({ method: "POST", path: "/mcp", headers: headers(host), body: call });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
  }
  const passedOn = { token: goodToken, message: JSON.parse(call) };
  expect(web.hived.posted).toEqual([passedOn, passedOn]);
});

test.each([
  ["without a token", { authorization: "" }, 401],
  ["with a token of nobody", { authorization: "Bearer other" }, 401],
  ["with a password", { authorization: "Basic YWxpY2U6c2VjcmV0" }, 401],
  ["from a page of another site", { origin: "http://evil.test" }, 403],
  ["from a page without an origin", { origin: "null" }, 403],
  ["under another host name", { host: "evil.test" }, 421],
  ["in a version of MCP that there is not", { "mcp-protocol-version": "2099-01-01" }, 400],
  ["as a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
])("a message %s is refused", async (_, wrong, status) => {
  await using web = await startWeb();
  const sent = headers(web.site.hookHost, wrong);
  const answer = await web.ask({ method: "POST", path: "/mcp", headers: sent, body: call });
  expect(answer.status).toBe(status);
  expect(answer.headers["www-authenticate"]).toBe(status === 401 ? "Bearer" : undefined);
});

test("keys that are special in JavaScript are passed on as any other, and what is nested too deeply is refused", async () => {
  await using web = await startWeb();
  const post = async (arguments_: string) => {
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"send","arguments":${arguments_}}}`;
    return (await web.ask({ method: "POST", path: "/mcp", headers: headers(web.site.hookHost), body })).status;
  };
  const special = '{"__proto__":{"a":1},"constructor":{"prototype":{}}}';
  expect(await post(special)).toBe(200);
  expect(JSON.stringify(web.hived.posted)).toContain(special);
  expect(await post(`${'{"files":'.repeat(50_000)}1${"}".repeat(50_000)}`)).toBe(400);
});

test("a message names the version of MCP that it is in, which hived's SDK speaks", async () => {
  await using web = await startWeb();
  for (const version of SUPPORTED_PROTOCOL_VERSIONS) {
    const sent = headers(web.site.hookHost, { "mcp-protocol-version": version });
    expect((await web.ask({ method: "POST", path: "/mcp", headers: sent, body: call })).status).toBe(200);
  }
});

test("pages of the dashboard's own origin may call", async () => {
  await using web = await startWeb();
  const sent = headers(web.site.host, { origin: web.site.origin });
  expect((await web.ask({ method: "POST", path: "/mcp", headers: sent, body: call })).status).toBe(200);
});

test("there is no stream to open, and no session to end", async () => {
  await using web = await startWeb();
  for (const method of ["GET", "DELETE"]) {
    const answer = await web.ask({ method, path: "/mcp", headers: headers(web.site.hookHost) });
    expect([method, answer.status]).toEqual([method, 405]);
  }
});

test("a message over 2 MiB is refused", async () => {
  await using web = await startWeb();
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "ping", params: { text: "x".repeat(2 * 1024 ** 2) } });
  const answer = await web.ask({ method: "POST", path: "/mcp", headers: headers(web.site.hookHost), body });
  expect(answer.status).toBe(413);
  expect(web.hived.posted).toEqual([]);
});
