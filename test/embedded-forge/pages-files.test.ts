import { expect, test } from "vitest";
import { type Clone, cloneAs } from "../forge-contract/git-client.ts";
import { startTestForge, type TestForge } from "./test-forge.ts";
import { signedIn, textOf, type Visitor } from "./visitor.ts";

async function withFiles(forge: TestForge, files: Record<string, string | Buffer>) {
  const token = await forge.userToken("bob");
  await forge.org("acme", "docs", { writers: { level: "write", members: ["bob"] } });
  const clone = await cloneAs(forge, "acme/docs", token);
  for (const [file, content] of Object.entries(files)) await clone.commit(file, content);
  await clone.push("HEAD:main");
  return { clone, visitor: await signedIn(forge, "bob") };
}
const textAt = async (visitor: Visitor, path: string) => textOf((await visitor.get(path)).html);

test("the repository's page lists its files and shows its README with links that lead on", async () => {
  await using forge = await startTestForge();
  const { visitor } = await withFiles(forge, { "README.md": "See [more](guides/a.md).\n", "guides/a.md": "# A\n" });
  const { html } = await visitor.get("/acme/docs");
  expect(html).toContain('href="/acme/docs/src/branch/main/guides"');
  expect(html).toContain(
    '<a href="/acme/docs/src/branch/main/guides/a.md" rel="nofollow noopener noreferrer">more</a>',
  );
  expect(await textAt(visitor, "/acme/docs/src/branch/main/guides/a.md")).toContain("A");
});

test("code is shown in numbered, coloured lines, and a link leads to each", async () => {
  await using forge = await startTestForge();
  const { visitor } = await withFiles(forge, { "wait.ts": "/* one\n two */\nconst three = 3;\n" });
  const { html } = await visitor.get("/acme/docs/src/branch/main/wait.ts");
  expect(html).toContain('<tr id="L2"><td class="number"><a href="#L2">2</a></td>');
  expect(html).toContain('<span class="hljs-comment"> two */</span>');
  expect(html).toContain('<span class="hljs-keyword">const</span>');
});

test("a branch with slashes in its name is told from the folders below it", async () => {
  await using forge = await startTestForge();
  const { clone, visitor } = await withFiles(forge, { "a/b.txt": "on main\n" });
  await clone.commit("a/b.txt", "on the branch\n");
  await clone.push("HEAD:refs/heads/feature/a");
  expect(await textAt(visitor, "/acme/docs/src/branch/feature/a/a/b.txt")).toContain("on the branch");
  expect((await visitor.get("/acme/docs/src/branch/feature/b/a/b.txt")).status).toBe(404);
});

test("a commit's page shows what it changed, and the history of a file only its commits", async () => {
  await using forge = await startTestForge();
  const { clone, visitor } = await withFiles(forge, { "a.txt": "one\n", "b.txt": "two\n" });
  const id = await clone.get("rev-parse", "HEAD");
  const text = await textAt(visitor, `/acme/docs/commit/${id}`);
  expect(text).toContain("write b.txt");
  expect(text).toContain("1+two");
  const history = await textAt(visitor, "/acme/docs/commits/branch/main/a.txt");
  expect(history).toContain("write a.txt");
  expect(history).not.toContain("write b.txt");
});

test("the raw bytes of a file are never a document of this site", async () => {
  const files: [string, string | Buffer, string][] = [
    ["page.html", "<script>alert(1)</script>", "text/plain; charset=utf-8"],
    ["icon.svg", '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "text/plain; charset=utf-8"],
    ["bytes.bin", Buffer.from([0, 1, 2]), "application/octet-stream"],
    ["dot.png", Buffer.from("89504e470d0a1a0a00000000", "hex"), "image/png"],
  ];
  await using forge = await startTestForge();
  const { visitor } = await withFiles(forge, Object.fromEntries(files));
  for (const [file, , type] of files) {
    const { headers } = await visitor.get(`/acme/docs/raw/branch/main/${file}`);
    expect(headers.get("content-type"), file).toBe(type);
    expect(headers.get("content-security-policy"), file).toBe("default-src 'none'; sandbox");
  }
});

test("an empty repository tells how to push to it", async () => {
  await using forge = await startTestForge();
  const bob = await forge.user("bob");
  await bob.post("/user/repos", { name: "new", private: true });
  const text = await textAt(await signedIn(forge, "bob"), "/bob/new");
  expect(text).toContain("This repository is empty");
  expect(text).toContain(`git remote add origin ${forge.url}/bob/new.git`);
});

test("what git has no name for is not found", async () => {
  await using forge = await startTestForge();
  const { visitor } = await withFiles(forge, {});
  for (const place of ["src/branch/main/../../x", "src/branch/nope", "src/commit/-x", "commit/--all"]) {
    expect((await visitor.get(`/acme/docs/${place}`)).status, place).toBe(404);
  }
});

test("a folder's page lists odd names whole, and each leads to its file", async () => {
  await using forge = await startTestForge();
  const names = ["a b.txt", "ä#?%.txt", '<img src=x onerror="alert(1)">.txt', "-n"];
  const clone: Clone = (await withFiles(forge, Object.fromEntries(names.map((name) => [name, `in ${name}\n`])))).clone;
  expect(await clone.get("status", "--short")).toBe("");
  const visitor = await signedIn(forge, "bob");
  const { html } = await visitor.get("/acme/docs");
  expect(html).not.toContain("<img src=x");
  for (const name of names) {
    const href = `/acme/docs/src/branch/main/${encodeURIComponent(name)}`;
    expect(html).toContain(href.replaceAll("'", "&#39;"));
    expect((await visitor.get(href)).status, name).toBe(200);
  }
});
