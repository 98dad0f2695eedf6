import { expect, test } from "vitest";
import { goodSession, readEvents, startWeb, within } from "./start-web.ts";

const note = (text: string) => ({ kind: "event", event: expect.objectContaining({ fact: { kind: "Note", text } }) });

test("a page gets every event after its snapshot, then each new one", async () => {
  await using web = await startWeb();
  web.hived.append("one", "two");
  const response = await web.open({ path: "/api/events?after=1", headers: web.signedIn });
  expect(response.statusCode).toBe(200);
  expect(response.headers["content-type"]).toBe("text/event-stream");
  const reading = readEvents(response, 3);
  web.hived.append("three", "four");
  expect(await within(5_000, "the events", reading)).toEqual([
    { id: "2", data: note("two") },
    { id: "3", data: note("three") },
    { id: "4", data: note("four") },
  ]);
});

test("the stream is open before anything happens", async () => {
  await using web = await startWeb();
  const response = await within(2_000, "the head", web.open({ path: "/api/events?after=0", headers: web.signedIn }));
  expect(response.statusCode).toBe(200);
  response.destroy();
});

test("a page that reconnects resumes after the last event that it saw", async () => {
  await using web = await startWeb();
  web.hived.append("one", "two", "three");
  const headers = { ...web.signedIn, "last-event-id": "2" };
  const response = await web.open({ path: "/api/events?after=0", headers });
  expect(await readEvents(response, 1)).toEqual([{ id: "3", data: note("three") }]);
});

test("a page that comes too late is told to resync", async () => {
  await using web = await startWeb();
  web.hived.oldest = 10;
  const response = await web.open({ path: "/api/events?after=3", headers: web.signedIn });
  expect(await readEvents(response, 1)).toEqual([{ id: "", data: { kind: "resync" } }]);
});

test("a restart of hived loses no event and no page", async () => {
  await using web = await startWeb();
  web.hived.append("one");
  const response = await web.open({ path: "/api/events?after=0", headers: web.signedIn });
  const reading = readEvents(response, 3);
  web.hived.append("two");
  await expect.poll(() => web.hived.watching.length).toBe(1);
  await web.hived.stop();
  web.hived.append("three");
  await web.hived.start();
  expect((await within(8_000, "the events", reading)).map(({ id }) => id)).toEqual(["1", "2", "3"]);
});

test("a page may open its stream while hived is away", async () => {
  await using web = await startWeb();
  await web.hived.stop();
  const response = await web.open({ path: "/api/events?after=0", headers: web.signedIn });
  expect(response.statusCode).toBe(200);
  web.hived.append("one");
  const reading = readEvents(response, 1);
  await web.hived.start();
  expect(await within(8_000, "the event", reading)).toEqual([{ id: "1", data: note("one") }]);
});

test("a page is told when hived goes away, and when it is back", async () => {
  await using web = await startWeb();
  const response = await web.open({ path: "/api/events?after=0", headers: web.signedIn });
  response.setEncoding("utf8");
  let text = "";
  response.on("data", (chunk: string) => {
    text += chunk;
  });
  await expect.poll(() => web.hived.watching.length).toBe(1);
  await web.hived.stop();
  await expect.poll(() => text).toContain("event: away\ndata: {}\n\n");
  expect(text).not.toContain("event: back");
  await web.hived.start();
  await expect.poll(() => text, { timeout: 8_000 }).toContain("event: back\ndata: {}\n\n");
  expect(text.match(/event: away/g)).toHaveLength(1);
  response.destroy();
});

test("without a session, or without a place, there is no stream", async () => {
  await using web = await startWeb();
  expect((await web.ask({ path: "/api/events?after=0", headers: web.page })).status).toBe(401);
  expect((await web.ask({ path: "/api/events", headers: web.signedIn })).status).toBe(400);
  expect((await web.ask({ path: "/api/events?after=-1", headers: web.signedIn })).status).toBe(400);
});

test("a session has at most 32 streams, and a closed one makes room", async () => {
  await using web = await startWeb();
  const open = () => web.open({ path: "/api/events?after=0", headers: web.signedIn });
  const streams = await Promise.all(Array.from({ length: 32 }, open));
  expect((await web.ask({ path: "/api/events?after=0", headers: web.signedIn })).status).toBe(429);
  const other = { ...web.signedIn, cookie: `hive-session=${goodSession.replaceAll("s", "t")}` };
  expect((await web.ask({ path: "/api/events?after=0", headers: other })).status).toBe(401);
  streams[0]?.destroy();
  await expect
    .poll(async () => {
      const response = await open();
      response.destroy();
      return response.statusCode;
    })
    .toBe(200);
  for (const stream of streams) stream.destroy();
});

test("a page that reads nothing leaves its events in hived's log, and holds up nobody", async () => {
  await using web = await startWeb();
  web.hived.append(...Array.from({ length: 2_000 }, () => "x".repeat(50_000)));
  const stuck = await web.open({ path: "/api/events?after=0", headers: web.signedIn });
  stuck.pause();
  const other = await web.open({ path: "/api/events?after=1980", headers: web.signedIn });
  await within(10_000, "the other page's events", readEvents(other, 20));
  expect(web.hived.watching[0]?.taken).toBeLessThan(500);
  stuck.destroy();
});

test("a page that watches a turn gets its log, then what the agent does, and all of it again after a restart of hived", async () => {
  await using web = await startWeb();
  web.hived.show({ kind: "text", text: "one" });
  const response = await web.open({ path: `/api/turn?id=turn-${"a".repeat(32)}`, headers: web.signedIn });
  const reading = readEvents(response, 3);
  const entries = (text: string) => [expect.objectContaining({ event: { kind: "text", text } })];
  await expect.poll(() => web.hived.watchingTurns).toBe(1);
  web.hived.show({ kind: "text", text: " two" });
  await expect.poll(() => web.hived.shownBatches).toBe(1);
  await web.hived.stop();
  await web.hived.start();
  expect(await within(10_000, "the log", reading)).toEqual([
    { id: "", data: { kind: "log", log: expect.objectContaining({ entries: entries("one") }) } },
    { id: "", data: { kind: "batch", batch: expect.objectContaining({ events: [{ kind: "text", text: " two" }] }) } },
    { id: "", data: { kind: "log", log: expect.objectContaining({ entries: entries("one two") }) } },
  ]);
});

test("a turn's stream is for who is signed in, and for a turn", async () => {
  await using web = await startWeb();
  const path = `/api/turn?id=turn-${"a".repeat(32)}`;
  expect((await web.ask({ path, headers: web.page })).status).toBe(401);
  expect((await web.ask({ path: "/api/turn?id=x", headers: web.signedIn })).status).toBe(400);
  expect((await web.post("/api/watchTurn", { turn: `turn-${"a".repeat(32)}` })).status).toBe(404);
});
