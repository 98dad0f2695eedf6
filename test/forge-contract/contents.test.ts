/** Files and commits by the API: reading, writing, trees, blobs, differences, archives. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { expectStatus } from "./caller.ts";
import { encoded, useStage } from "./stage.ts";

const stage = useStage();
const added = (path: string, text: string) => ({ operation: "create", path, content: encoded(text) });

test("one commit creates, changes and deletes files on a branch that it makes", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "old.txt");
  const shaOf = async (file: string) => (await repo.get(`/contents/${file}`)).sha;
  const files = [
    added("a/b.txt", "hello\n"),
    { operation: "update", path: "README.md", sha: await shaOf("README.md"), content: encoded("new\n") },
    { operation: "delete", path: "old.txt", sha: await shaOf("old.txt") },
  ];
  const wish = { branch: "main", new_branch: "topic/one", message: "more", files };
  const { body } = await expectStatus(201, stage.bob.post(`${repo.api}/contents`, wish));
  expect(body.commit).toMatchObject({ message: "more\n", author: { name: stage.bob.name } });
  const raw = (file: string, ref: string) => stage.alice.get(`${repo.api}/raw/${file}?ref=${ref}`);
  expect((await raw("a/b.txt", "topic/one")).body).toBe("hello\n");
  expect((await raw("README.md", "topic/one")).body).toBe("new\n");
  expect((await raw("old.txt", "topic/one")).status).toBe(404);
  expect((await raw("a/b.txt", "main")).status).toBe(404);
});

test("the commit of several files is answered with each of them", async () => {
  const repo = await stage.repo();
  const files = [added("a.txt", "a"), added("b.txt", "b")];
  const { body } = await expectStatus(
    201,
    stage.bob.post(`${repo.api}/contents`, { branch: "main", message: "two", files }),
  );
  expect(body.files).toMatchObject([
    { path: "a.txt", content: encoded("a") },
    { path: "b.txt", content: encoded("b") },
  ]);
  expect(body.commit.sha).toBe(await repo.tip());
});

test("a file is read with its content, a directory as a list without contents", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a/b.txt", "hello\n");
  expect((await stage.alice.get(`${repo.api}/contents/a/b.txt`)).body).toMatchObject({
    type: "file",
    path: "a/b.txt",
    encoding: "base64",
    content: encoded("hello\n"),
    size: 6,
  });
  expect((await stage.alice.get(`${repo.api}/contents/a`)).body).toMatchObject([
    { path: "a/b.txt", type: "file", content: null },
  ]);
  const top = (await stage.alice.get(`${repo.api}/contents`)).body;
  expect(top.map(({ path, type }: { path: string; type: string }) => `${type} ${path}`).sort()).toEqual([
    "dir a",
    "file README.md",
  ]);
});

test("a reader writes no file", async () => {
  const repo = await stage.repo();
  expect((await stage.alice.post(`${repo.api}/contents/a.txt`, { content: encoded("a") })).status).toBe(403);
  const wish = { branch: "main", message: "m", files: [added("a.txt", "a")] };
  expect((await stage.alice.post(`${repo.api}/contents`, wish)).status).toBe(403);
  expect((await stage.mallory.post(`${repo.api}/contents`, wish)).status).toBe(404);
});

test("a file that is there is not created again, and changed only by who knows its present sha", async () => {
  const repo = await stage.repo();
  const place = `${repo.api}/contents/a.txt`;
  await expectStatus(201, stage.bob.post(place, { content: encoded("a") }));
  expect((await stage.bob.post(place, { content: encoded("b") })).status).toBe(422);
  expect((await stage.bob.put(place, { content: encoded("b"), sha: "0".repeat(40) })).status).toBe(422);
  const { sha } = await repo.get("/contents/a.txt");
  await expectStatus(200, stage.bob.put(place, { content: encoded("b"), sha }));
  expect((await stage.bob.put(place, { content: encoded("c"), sha })).status).toBe(422);
  expect((await stage.alice.get(`${repo.api}/raw/a.txt`)).body).toBe("b");
});

test("a file is deleted by who knows its sha", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a.txt");
  const { sha } = await repo.get("/contents/a.txt");
  expect((await stage.alice.delete(`${repo.api}/contents/a.txt`, { sha })).status).toBe(403);
  await expectStatus(200, stage.bob.delete(`${repo.api}/contents/a.txt`, { sha }));
  expect((await stage.bob.get(`${repo.api}/contents/a.txt`)).status).toBe(404);
});

test("content that is no base64, or a file of an unknown branch, is refused", async () => {
  const repo = await stage.repo();
  expect((await stage.bob.post(`${repo.api}/contents/b.txt`, { content: "no base64!" })).status).toBe(422);
  const unknown = { content: encoded("x"), branch: "never-there" };
  expect((await stage.bob.post(`${repo.api}/contents/b.txt`, unknown)).status).toBe(404);
});

test("a path that leaves the repository, or goes into git's own directory, is refused", async () => {
  const repo = await stage.repo();
  for (const path of ["../up", "a/../../up", ".git/config", "a/.git/hooks/x", "/etc/passwd/../x"]) {
    const wish = { branch: "main", message: "m", files: [added(path, "x")] };
    const { status } = await stage.bob.post(`${repo.api}/contents`, wish);
    // Forgejo does not tell some of these from an accident of its own
    expect(stage.kind === "Forgejo" ? [201, 400, 422, 500] : [400, 422], path).toContain(status);
  }
  const tree = (await repo.get(`/git/trees/main?recursive=true`)).tree.map(({ path }: { path: string }) => path);
  expect(tree.filter((path: string) => path.includes("..") || path.includes(".git"))).toEqual([]);
});

test("reading cannot leave the repository", async () => {
  const repo = await stage.repo();
  for (const path of ["..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fapp.ini", ".git/config", "..%5c..%5cx"]) {
    for (const kind of ["raw", "contents", "media"]) {
      const { status } = await stage.bob.get(`${repo.api}/${kind}/${path}`);
      expect(stage.kind === "Forgejo" ? [404, 500] : [404], `${kind} ${path}`).toContain(status);
    }
  }
});

test("names with unicode, spaces, hashes and per cent signs are written and read back", async () => {
  const repo = await stage.repo();
  for (const name of ["grüße.txt", "日本/語.md", "a b#c?d.txt", "100%.txt", "%2f.txt"]) {
    await repo.write(stage.bob, name, `in ${name}`);
    const address = name.split("/").map(encodeURIComponent).join("/");
    expect((await stage.alice.get(`${repo.api}/raw/${address}`)).body, name).toBe(`in ${name}`);
    expect((await stage.alice.get(`${repo.api}/contents/${address}`)).body.path).toBe(name);
  }
});

test("bytes come back as they were written", async () => {
  const repo = await stage.repo();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  await expectStatus(201, stage.bob.post(`${repo.api}/contents/bytes`, { content: bytes.toString("base64") }));
  expect((await stage.alice.get(`${repo.api}/contents/bytes`)).body.content).toBe(bytes.toString("base64"));
  const response = await fetch(`${stage.url}/api/v1${repo.api}/raw/bytes`, {
    headers: { authorization: `token ${stage.alice.token}` },
  });
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
});

test("a file of 10 MiB is written and read", async () => {
  const repo = await stage.repo();
  const content = Buffer.alloc(10 * 2 ** 20, "x").toString("base64");
  await expectStatus(201, stage.bob.post(`${repo.api}/contents/large.txt`, { content }));
  expect((await stage.alice.get(`${repo.api}/raw/large.txt`)).body).toHaveLength(10 * 2 ** 20);
});

test("commits are listed newest first, with a total, of a branch and of a path", async () => {
  const repo = await stage.repo();
  const sha = await repo.write(stage.bob, "a/b.txt", "hello\n", { branch: "main", new_branch: "topic" });
  const { body, headers } = await stage.alice.get(`${repo.api}/commits?sha=topic&limit=1`);
  expect(headers.get("x-total-count")).toBe("2");
  expect(body).toMatchObject([{ sha, commit: { message: "add a/b.txt\n" }, author: { login: stage.bob.name } }]);
  expect(body[0].files).toMatchObject([{ filename: "a/b.txt" }]);
  const ofPath = (await stage.alice.get(`${repo.api}/commits?sha=topic&path=README.md`)).body;
  expect(ofPath).toHaveLength(1);
  expect(ofPath[0].sha).not.toBe(sha);
});

test("one commit is read with its parents, and an unknown one is not found", async () => {
  const repo = await stage.repo();
  const first = await repo.tip();
  const sha = await repo.write(stage.bob, "a.txt");
  expect((await stage.alice.get(`${repo.api}/git/commits/${sha}`)).body).toMatchObject({
    sha,
    parents: [{ sha: first }],
  });
  expect((await stage.alice.get(`${repo.api}/git/commits/${"1".repeat(40)}`)).status).toBe(404);
});

test("a tree is read flat or whole, and its blobs by their sha", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a/b.txt", "hello\n");
  const paths = async (query: string) =>
    (await stage.alice.get(`${repo.api}/git/trees/main${query}`)).body.tree.map(({ path }: { path: string }) => path);
  expect(await paths("")).toEqual(["README.md", "a"]);
  expect(await paths("?recursive=true")).toEqual(["README.md", "a", "a/b.txt"]);
  const { tree } = (await stage.alice.get(`${repo.api}/git/trees/main?recursive=true`)).body;
  const blob = (await stage.alice.get(`${repo.api}/git/blobs/${tree[2].sha}`)).body;
  expect(blob).toMatchObject({ content: encoded("hello\n"), encoding: "base64", size: 6 });
  expect((await stage.alice.get(`${repo.api}/git/trees/never-there`)).status).toBe(
    stage.kind === "Forgejo" ? 400 : 404,
  );
});

test("a comparison says how many commits one branch has more; 7 has none", async () => {
  const repo = await stage.repo();
  const sha = await repo.write(stage.bob, "a.txt", "x", { branch: "main", new_branch: "topic" });
  const { body } = await stage.alice.get(`${repo.api}/compare/main...topic`);
  if (stage.major < 15) return expect(body).toContain("404 page not found");
  expect(body).toMatchObject({ total_commits: 1, commits: [{ sha }] });
  expect((await stage.alice.get(`${repo.api}/compare/main...never-there`)).status).toBe(404);
});

test("an archive holds a branch's files below one folder, for readers alone", async () => {
  const repo = await stage.repo();
  await repo.write(stage.bob, "a/b.txt", "hello\n");
  const get = (token: string) =>
    fetch(`${stage.url}/api/v1${repo.api}/archive/main.tar.gz`, { headers: { authorization: `token ${token}` } });
  const response = await get(stage.alice.token);
  expect(response.status).toBe(200);
  const input = Buffer.from(await response.arrayBuffer());
  expect(execFileSync("tar", ["xzO", `${repo.name}/a/b.txt`], { input, encoding: "utf8" })).toBe("hello\n");
  expect((await get(stage.mallory.token)).status).toBe(404);
});
