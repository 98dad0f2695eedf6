/** What nobody means well: huge, scripted and malformed input, and names that try to get out of where they belong. */
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { expect, test } from "vitest";
import { FLUSH, packet } from "../../forge/embedded/git/pkt-line.ts";
import { basic } from "./caller.ts";
import type { Clone } from "./git-client.ts";
import { becomes, encoded, names, type Repo, useStage } from "./stage.ts";

const stage = useStage();
const SCRIPT = `<script>alert(1)</script>"><img src=x onerror='alert(2)'>`;
const INJECTIONS = ["--upload-pack=touch /tmp/owned", "--output=owned", "-x"];

type Raw = { status: number; text: string };
/** A request whose path and body are sent as they stand, which no client of git's or of the web's would do. */
function raw(method: string, path: string, headers: Record<string, string> = {}, body?: Buffer): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>();
  const { hostname, port } = new URL(stage.url);
  const outgoing = request({ hostname, port, path, method, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () =>
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("latin1") }),
    );
  });
  outgoing.on("error", reject);
  outgoing.end(body);
  return promise;
}
const asAdmin = () => ({ authorization: basic("x", stage.admin.token) });

test("a body of 10 MiB is kept, letter by letter", { timeout: 180_000 }, async () => {
  const repo = await stage.repo();
  const body = `${"0123456789abcdef".repeat(63)}\n`.repeat(10_402);
  const { number } = await repo.issue(stage.alice, "large", { body });
  const { body: found } = await stage.alice.get(`${repo.api}/issues/${number}`);
  expect(found.body.length).toBe(body.length);
  expect(found.body === body).toBe(true);
});

test("HTML and scripts in titles, bodies, comments, labels and names are data, and come back as they are", async () => {
  const repo = await stage.repo({ description: SCRIPT });
  const { number } = await repo.issue(stage.alice, SCRIPT, { body: SCRIPT });
  const place = `${repo.api}/issues/${number}`;
  expect(await repo.get(`/issues/${number}`)).toMatchObject({ title: SCRIPT, body: SCRIPT });
  expect((await stage.alice.post(`${place}/comments`, { body: SCRIPT })).body.body).toBe(SCRIPT);
  const label = { name: "<b>bold</b>", color: "#ff0000", description: SCRIPT };
  expect((await stage.bob.post(`${repo.api}/labels`, label)).body).toMatchObject({ name: label.name });
  expect(await repo.get("")).toMatchObject({ description: SCRIPT });
  const wish = { source_id: 0, login_name: stage.carol.name, full_name: SCRIPT };
  expect((await stage.admin.patch(`/admin/users/${stage.carol.name}`, wish)).body.full_name).toBe(SCRIPT);
});

test("every letter is taken, also those beyond the first plane and those that turn text around", async () => {
  const repo = await stage.repo();
  const text = "ünï 漢字 🐝 \u202Egnorts\u202C ﷽ \u0000x".replace("\u0000", "");
  const { number } = await repo.issue(stage.alice, text, { body: text });
  expect(await repo.get(`/issues/${number}`)).toMatchObject({ title: text, body: text });
  await repo.write(stage.bob, "ünï/漢字 🐝.txt", text);
  expect((await stage.alice.get(`${repo.api}/raw/${encodeURIComponent("ünï/漢字 🐝.txt")}`)).body).toBe(text);
});

test("what is no JSON, or of another type, is refused and not stumbled over", async () => {
  const repo = await stage.repo();
  const post = async (body: string) => (await stage.alice.post(`${repo.api}/issues`, body)).status;
  for (const body of ["{", "[]", '"x"', '{"title": 5}', '{"title": {"$gt": ""}}', "", '{"title": null}']) {
    expect([400, 422], body).toContain(await post(body));
  }
  expect(await post(`{"title": ${"[".repeat(100_000)}`)).toBe(422);
});

test("numbers that are none, negative or beyond every limit find nothing", async () => {
  const repo = await stage.repo();
  for (const index of ["0", "-1", "99999999999999999999", "1e3", "1;drop", "x", "%00"]) {
    expect((await stage.alice.get(`${repo.api}/issues/${index}`)).status, index).toBe(404);
  }
  for (const query of ["page=-1", "page=x", "limit=-5", "limit=99999999999", "page=99999999999"]) {
    expect((await stage.alice.get(`${repo.api}/issues?${query}`)).status, query).toBe(200);
  }
});

test("names with dots, slashes and escapes name no other's repository", async () => {
  const repo = await stage.repo();
  const inside = `/api/v1/repos/${stage.org}`;
  for (const path of [
    `${inside}/..%2f${stage.org}%2f${repo.name}`,
    `${inside}/%2e%2e/${repo.name}`,
    `${inside}/../../admin/users`,
    `/api/v1/repos/..%2f..%2fadmin/users`,
    `${inside}/${repo.name}%00`,
  ]) {
    expect((await raw("GET", path, { authorization: `token ${stage.mallory.token}` })).status, path).not.toBe(200);
  }
});

test("no path leads out of a repository's files", async () => {
  const repo = await stage.repo();
  for (const route of ["contents", "raw", "media"]) {
    for (const path of [
      "../../../../etc/passwd",
      "..%2f..%2f..%2fetc%2fpasswd",
      "%2fetc%2fpasswd",
      ".git/config",
      "..",
      "a/../../x",
    ]) {
      const { status, text } = await raw("GET", `/api/v1${repo.api}/${route}/${path}`, asAdmin());
      // Forgejo has no better answer to .git than 500
      expect([400, 404, 405, 422, 500], `${route} ${path}`).toContain(status);
      expect(text).not.toMatch(/root:|\[core\]/);
    }
  }
});

test("names of branches that git refuses are refused by the API", async () => {
  const repo = await stage.repo();
  for (const name of [
    "a..b",
    "a b",
    "a~b",
    "a^b",
    "a:b",
    "a.lock",
    "/a",
    "a//b",
    "a@{b",
    "a\\b",
    ".a",
    "a.",
    "",
    "a\u0001b",
    "a?b",
    "a*",
  ]) {
    const { status } = await stage.bob.post(`${repo.api}/branches`, { new_branch_name: name });
    expect(status, JSON.stringify(name)).toBe(422);
  }
  expect(names(await stage.bob.get(`${repo.api}/branches`))).toEqual(["main"]);
});

test("names of refs that git refuses are refused to a push, also with a line break that hides another ref", async () => {
  const repo = await stage.repo();
  const commit = await repo.tip();
  const none = "0".repeat(40);
  const headers = {
    authorization: basic("x", stage.bob.token),
    "content-type": "application/x-git-receive-pack-request",
  };
  const path = `/${repo.path}/git-receive-pack`;
  for (const name of [
    `refs/for/main\n${none} ${commit} refs/heads/hidden`,
    "refs/heads/../x",
    "refs/heads/a b",
    "refs/heads/a..b",
    "refs/heads/.x",
    "refs/heads/x.lock",
    "../../config",
    "HEAD",
  ]) {
    const command = packet(`${none} ${commit} ${name}\0report-status push-options`);
    const options = Buffer.concat([packet("topic=x"), FLUSH]);
    const { text } = await raw("POST", path, headers, Buffer.concat([command, FLUSH, options, EMPTY_PACK]));
    expect(text, name).toMatch(/ng /);
  }
  const clone = await repo.clone(stage.bob);
  expect((await clone.get("ls-remote", "origin")).split("\n").map((line) => line.split("\t")[1])).toEqual([
    "HEAD",
    "refs/heads/main",
  ]);
});

/** A pack of no objects: what is pushed is there already. */
const EMPTY_PACK = Buffer.from(
  "PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e",
  "latin1",
);

test("a branch whose name looks like an option is a branch", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  const head = await clone.commit("a", "1");
  for (const name of ["-x", "--upload-pack=x", "--output=owned"]) {
    expect(await clone.push(`HEAD:refs/heads/${name}`), name).toMatchObject({ code: 0 });
    expect((await stage.bob.get(`${repo.api}/branches/${encodeURIComponent(name)}`)).body.commit.id).toBe(head);
    const { status, body } = await stage.bob.get(`${repo.api}/contents/a?ref=${encodeURIComponent(name)}`);
    expect(`${name} ${status} ${body.type}`).toBe(`${name} 200 file`);
    expect(await clone.push("--delete", `refs/heads/${name}`)).toMatchObject({ code: 0 });
  }
});

test("names that look like options are no options of git's, wherever a commit or branch is named", async () => {
  const repo = await stage.repo();
  for (const name of INJECTIONS) {
    const ref = encodeURIComponent(name);
    for (const path of [
      `/contents/README.md?ref=${ref}`,
      `/raw/README.md?ref=${ref}`,
      `/branches/${ref}`,
      `/git/trees/${ref}`,
      `/git/commits/${ref}`,
      `/git/blobs/${ref}`,
      `/commits?sha=${ref}`,
      `/compare/main...${ref}`,
      `/compare/${ref}...main`,
      `/archive/${ref}.tar.gz`,
      `/pulls/main/${ref}`,
    ]) {
      const { status } = await raw("GET", `/api/v1${repo.api}${path}`, asAdmin());
      expect(`${path} ${status}`).toMatch(/ (400|404|422|500)$/);
    }
    const open = { head: name, base: "main", title: "x" };
    expect([404, 422], name).toContain((await stage.bob.post(`${repo.api}/pulls`, open)).status);
    const from = { new_branch_name: "fresh", old_branch_name: name };
    expect([404, 422], name).toContain((await stage.bob.post(`${repo.api}/branches`, from)).status);
  }
});

test("only git's two services are served, whatever is hung on their names", async () => {
  const repo = await stage.repo();
  for (const service of [
    "git-shell",
    "git-upload-archive",
    "git-upload-pack --upload-pack=x",
    "git-upload-pack;id",
    "../git-upload-pack",
    "",
  ]) {
    const path = `/${repo.path}/info/refs?service=${encodeURIComponent(service)}`;
    const { status, text } = await raw("GET", path, asAdmin());
    expect(`${service} ${status} ${text.includes("# service=")}`).not.toMatch(/200 true/);
  }
});

test("git's routes reach no repository by a path that leads elsewhere", async () => {
  const repo = await stage.repo();
  for (const path of [
    `/${stage.org}/..%2f${repo.path}`,
    `/..%2f..%2f${repo.path}`,
    `/${stage.org}/../../etc`,
    `/--upload-pack=x/${repo.name}`,
    `/${repo.path}/..%2f..`,
    `/${stage.org}/%2e%2e`,
  ]) {
    const { status, text } = await raw("GET", `${path}/info/refs?service=git-upload-pack`, asAdmin());
    expect(`${path} ${status}`).toMatch(/ (400|401|404)$/);
    expect(text).not.toContain("# service=");
  }
});

test("a file that is a link out of the repository is shown as a link", async () => {
  const repo = await stage.repo();
  const clone = await repo.clone(stage.bob);
  await push(repo, clone, [["120000", "blob", "passwd", Buffer.from("/etc/passwd")]]);
  expect((await stage.alice.get(`${repo.api}/contents/passwd?ref=evil`)).body).toMatchObject({
    type: "symlink",
    target: "/etc/passwd",
  });
  expect((await stage.alice.get(`${repo.api}/raw/passwd?ref=evil`)).body).not.toContain("root:");
  // and nothing is written through it
  const files = [{ operation: "create", path: "passwd/x", content: encoded("x") }];
  const { status } = await stage.bob.post(`${repo.api}/contents`, { branch: "evil", message: "m", files });
  expect([201, 422]).toContain(status);
});

/** Pushes a commit of exactly these entries as the branch `evil`. @returns what git said */
async function push(repo: Repo, clone: Clone, entries: [string, "blob" | "tree", string, Buffer][]): Promise<string> {
  const rows = [];
  for (const [mode, type, name, content] of entries) {
    rows.push(Buffer.from(`${mode} ${name}\0`), Buffer.from(await hashed(clone, type, content), "hex"));
  }
  const tree = await hashed(clone, "tree", Buffer.concat(rows));
  const who = "a <a@a.invalid> 1 +0000";
  const commit = await hashed(clone, "commit", Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nx\n`));
  const { text } = await clone.push(`${commit}:refs/heads/evil`);
  if (/new branch/.test(text)) await becomes(() => repo.tip("evil")).toBe(commit);
  return text;
}

async function hashed(clone: Clone, type: string, content: Buffer): Promise<string> {
  writeFileSync(`${clone.dir}/.git/raw`, content);
  return clone.get("hash-object", "-w", "--literally", "-t", type, ".git/raw");
}

test("a tree that git would check out elsewhere is refused by the embedded forge, and else by who clones it", async () => {
  for (const name of [".git", ".GIT", "..", "."]) {
    const repo = await stage.repo();
    const text = await push(repo, await repo.clone(stage.bob), [["100644", "blob", name, Buffer.from("x")]]);
    if (stage.kind === "embedded") expect(text, name).toMatch(/hasDot|fullPathname/);
    else await expect(repo.clone(stage.alice, "-b", "evil"), name).rejects.toThrow(/invalid path/);
  }
});

test("a broken pack is refused with git's reason", async () => {
  const repo = await stage.repo();
  const commit = "1".repeat(40);
  const headers = {
    authorization: basic("x", stage.bob.token),
    "content-type": "application/x-git-receive-pack-request",
  };
  const command = packet(`${"0".repeat(40)} ${commit} refs/heads/broken\0report-status`);
  const pack = Buffer.concat([EMPTY_PACK.subarray(0, 12), Buffer.from("garbage, not a pack at all")]);
  const { text } = await raw("POST", `/${repo.path}/git-receive-pack`, headers, Buffer.concat([command, FLUSH, pack]));
  expect(text).toMatch(/unpack .*(error|failed|abnormal|index-pack)|ng refs\/heads\/broken/);
  expect((await stage.bob.get(`${repo.api}/branches/broken`)).status).toBe(404);
});
