import { expect, test } from "vitest";
import { runGit } from "../forge-contract/git-client.ts";
import { expectStatus, startTestForge } from "./test-forge.ts";
import { signedIn, textOf } from "./visitor.ts";

const PAGE = "/user/settings/applications";
const secretIn = (html: string): string => /id="secret"[^>]*value="([0-9a-f]{40})"/.exec(html)?.[1] ?? "";

test("a token made on the page works within its reach, is shown once, and ends when it is revoked", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const alice = await signedIn(forge, "alice");
  const made = await alice.post(PAGE, { name: "laptop", reach: "read" });
  const secret = secretIn(made.html);
  expect(secret).toHaveLength(40);
  const caller = forge.withToken(secret);
  await expectStatus(200, caller.get("/user"));
  await expectStatus(403, caller.post("/user/repos", { name: "x" }));
  const later = await alice.get(PAGE);
  expect(later.html).not.toContain(secret);
  expect(textOf(later.html)).toContain(`laptop ends with ${secret.slice(-8)}`);
  await alice.send(later, `${PAGE}/delete`, { name: "laptop" });
  await expectStatus(401, caller.get("/user"));
});

test("one that may write pushes", async () => {
  await using forge = await startTestForge();
  const api = await forge.user("alice");
  await expectStatus(201, api.post("/user/repos", { name: "x", auto_init: true }));
  const alice = await signedIn(forge, "alice");
  const secret = secretIn((await alice.post(PAGE, { name: "laptop", reach: "write" })).html);
  const url = forge.url.replace("//", `//alice:${secret}@`);
  const ran = await runGit(forge.home, ["clone", "-q", `${url}/alice/x.git`, "x"]);
  expect(ran.code, ran.text).toBe(0);
  const pushed = await runGit(`${forge.home}/x`, ["push", "-q", "origin", "HEAD:refs/heads/other"]);
  expect(pushed.code, pushed.text).toBe(0);
});

test("a name that is taken, and a reach that is none, are refused", async () => {
  await using forge = await startTestForge();
  await forge.user("alice");
  const alice = await signedIn(forge, "alice");
  await alice.post(PAGE, { name: "laptop", reach: "read" });
  const again = await alice.post(PAGE, { name: "laptop", reach: "write" });
  expect(again.status).toBe(400);
  expect(secretIn(again.html)).toBe("");
  expect((await alice.post(PAGE, { name: "other", reach: "all" })).status).toBe(400);
});
