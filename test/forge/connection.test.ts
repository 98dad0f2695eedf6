import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openForge } from "../../src/hived/forge/client.ts";
import { ForgeRefusal, ForgeUnavailable } from "../../src/hived/forge/errors.ts";

/** Something at an address that answers as it is told, and a client of it. */
async function talkTo(listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const silences: (string | null)[] = [];
  const stopping = new AbortController();
  const forge = openForge({
    url,
    tokens: { read: (user) => (user === "hive-bot" ? "secret-token" : undefined) },
    adminTokenFile: "/nowhere/admin-token",
    onSilence: (problem) => silences.push(problem),
    signal: stopping.signal,
  });
  return {
    url,
    forge,
    bot: forge.as("hive-bot"),
    silences,
    stop: () => stopping.abort(),
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const json = (status: number, body: unknown, headers = {}): RequestListener => {
  return (_request, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};

test.each([500, 502, 503, 429])(
  "an answer of %i is a fault that is tried again, and is told as silence",
  async (status) => {
    await using other = await talkTo(json(status, { message: "broken" }));
    await expect(other.bot.readVersion()).rejects.toBeInstanceOf(ForgeUnavailable);
    expect(other.silences).toEqual([expect.stringContaining(`${status}: broken`)]);
  },
);

test.each<[string, RequestListener]>([
  ["a page of something else", (_request, response) => response.end("<html>hello</html>")],
  ["JSON of another shape", json(200, { hello: 1 })],
  ["an empty body", (_request, response) => response.end()],
])("%s where the API should be is a fault", async (_, listener) => {
  await using other = await talkTo(listener);
  await expect(other.bot.readVersion()).rejects.toThrow("answers something that is not its API");
});

test("an answer that breaks off is a fault", async () => {
  await using other = await talkTo((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
    response.write('{"version": "', () => response.destroy());
  });
  await expect(other.bot.readVersion()).rejects.toBeInstanceOf(ForgeUnavailable);
});

test("a forge that is not there is a fault, and its coming back is told", async () => {
  const other = await talkTo(json(200, { version: "7.0.16" }));
  await other.bot.readVersion();
  await other[Symbol.asyncDispose]();
  await expect(other.bot.readVersion()).rejects.toThrow(/does not answer as it should: .*ECONNREFUSED/);
  expect(other.silences).toEqual([null, expect.stringContaining("ECONNREFUSED")]);
});

test("a redirect is not followed, so that the token stays with this forge", async () => {
  let stolen: string | undefined;
  await using thief = await talkTo((request, response) => {
    stolen = request.headers.authorization;
    response.end("{}");
  });
  await using other = await talkTo(json(307, {}, { location: `${thief.url}/api/v1/version` }));
  await expect(other.bot.readVersion()).rejects.toMatchObject({ status: 307 });
  expect(stolen).toBeUndefined();
});

test("a refused token is a fault that says whose it is, and is no silence", async () => {
  await using other = await talkTo(json(401, { message: "user does not exist [uid: 0, name: ]" }));
  await expect(other.bot.readVersion()).rejects.toMatchObject({
    isTokenRefused: true,
    message: expect.stringContaining("hive-bot"),
  });
  expect(await other.bot.hasGoodToken("hive-bot")).toBe(false);
  expect(new Set(other.silences)).toEqual(new Set([null]));
});

test("a user without a token calls nobody", async () => {
  let calls = 0;
  await using other = await talkTo((_request, response) => {
    calls += 1;
    response.end("{}");
  });
  await expect(other.forge.as("operator").readVersion()).rejects.toMatchObject({ isTokenRefused: true });
  await expect(other.forge.as("hive-admin").readVersion()).rejects.toThrow("/nowhere/admin-token");
  expect(calls).toBe(0);
});

test("what the forge says no to carries its status and its words, and absence is null", async () => {
  await using forbidding = await talkTo(json(403, { message: "no", errors: ["really"] }));
  await expect(forbidding.bot.readVersion()).rejects.toMatchObject({ status: 403, message: "no; really" });
  await using empty = await talkTo(json(404, { message: "The target couldn't be found.", errors: null }));
  expect(await empty.bot.readPull("hive/agents", 1)).toBeNull();
  await expect(empty.bot.readTree("hive/agents", "main")).rejects.toBeInstanceOf(ForgeRefusal);
});

test("names are encoded, so that none can lead to another path", async () => {
  const paths: string[] = [];
  await using other = await talkTo((request, response) => {
    paths.push(request.url ?? "");
    json(404, {})(request, response);
  });
  await other.bot.readBranch("hive/agents", "a/b?c#d");
  await other.bot.readFile("hive/agents", "main", "docs/a b?.md");
  await other.bot.findUser("../admin");
  expect(paths).toEqual([
    "/api/v1/repos/hive/agents/branches/a%2Fb%3Fc%23d",
    "/api/v1/repos/hive/agents/raw/docs/a%20b%3F.md?ref=main",
    "/api/v1/users/..%2Fadmin",
  ]);
  for (const repo of ["hive/..", "./agents", "hive"]) await expect(other.bot.readRepo(repo)).rejects.toThrow("no name");
  await expect(other.bot.readFile("hive/agents", "main", "a/../../b")).rejects.toThrow("no name");
  expect(paths).toHaveLength(3);
});

test("a list without an end is not followed for ever", async () => {
  let pages = 0;
  await using other = await talkTo((request, response) => {
    pages += 1;
    const page = Array.from({ length: 50 }, (_, id) => ({ id, name: "label", color: "ffffff", description: "" }));
    json(200, page)(request, response);
  });
  await expect(other.bot.listLabels("hive/agents")).rejects.toThrow("without an end");
  expect(pages).toBe(1000);
});

test("a call ends as soon as the hive stops, and nobody takes that for the forge's silence", async () => {
  const arrived = Promise.withResolvers<void>();
  await using other = await talkTo(() => arrived.resolve());
  const asking = other.bot.readVersion();
  await arrived.promise;
  other.stop();
  await expect(asking).rejects.toBeInstanceOf(ForgeUnavailable);
  expect(other.silences).toEqual([]);
});
