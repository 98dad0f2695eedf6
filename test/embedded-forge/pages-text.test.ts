import { expect, test } from "vitest";
import { html } from "../../forge/embedded/pages/html.ts";
import { markdown } from "../../forge/embedded/pages/markdown.ts";
import { cloneAs } from "../forge-contract/git-client.ts";
import { expectStatus, startTestForge } from "./test-forge.ts";
import { signedIn } from "./visitor.ts";

const where = { repo: { owner_name: "acme", name: "docs" } };
const inFile = (folder: string) => ({ ...where, file: { place: { kind: "branch", name: "main" } as const, folder } });
const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<svg onload=alert(1)>",
  '"><script>alert(1)</script>',
  "<a href='javascript:alert(1)'>x</a>",
  "[x](javascript:alert(1))",
  "[x](data:text/html,<script>alert(1)</script>)",
  "<form action=/user/logout method=post><button>x</button></form>",
  "<iframe src=/></iframe>",
  "<style>*{display:none}</style>",
  "<b style='position:fixed'>x</b>",
  "<base href=//evil.invalid>",
  "<meta http-equiv=refresh content=0>",
  "```html\n<script>alert(1)</script>\n```",
  "<details open ontoggle=alert(1)>",
  "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
];
const LIVE =
  /<(script|iframe|svg|form|button|style|base|meta|object|embed|math)\b|<[^>]*\s(on\w+|style)\s*=|javascript:|href="data:/i;

test.each(HOSTILE)("nothing in rendered markdown is live: %s", (text) => {
  // what markdown did not take for a link stays as text, which may name any scheme
  const rendered = markdown(text, where).text.replace(/>[^<]*</g, "><");
  expect(rendered).not.toMatch(LIVE);
});

test("text in a template is escaped between tags and in attributes", () => {
  const text = `"><script>'&`;
  expect(html`<a title="${text}">${text}</a>`.text).toBe(
    '<a title="&quot;&gt;&lt;script&gt;&#39;&amp;">&quot;&gt;&lt;script&gt;&#39;&amp;</a>',
  );
});

test("characters that reorder or hide text are shown by their names, everywhere", () => {
  expect(html`${"a\u202eb\u0007c\rd"}`.text).toBe("a[U+202E]b[U+0007]c[U+000D]d");
  expect(markdown("a\u2066b", where).text).toContain("a[U+2066]b");
});

test("titles, names, branches and texts of users are inert on every page that shows them", async () => {
  await using forge = await startTestForge();
  const token = await forge.userToken("bob");
  const bob = forge.withToken(token);
  await forge.org("acme", "docs", { writers: { level: "write", members: ["bob"] } });
  const evil = '<img src=x onerror="alert(1)">';
  const clone = await cloneAs(forge, "acme/docs", token);
  await clone.commit(`${evil}.html`, `${evil}\n`, evil);
  await clone.push(`HEAD:refs/heads/"><script>`);
  const text = { title: evil, body: evil };
  await expectStatus(201, bob.post("/repos/acme/docs/labels", { name: evil, color: "ff0000", description: evil }));
  await expectStatus(201, bob.post("/repos/acme/docs/issues", { ...text, labels: [1] }));
  await expectStatus(201, bob.post("/repos/acme/docs/issues/1/comments", { body: evil }));
  await expectStatus(201, bob.post("/repos/acme/docs/pulls", { ...text, head: `"><script>`, base: "main" }));
  await expectStatus(200, forge.admin.patch("/repos/acme/docs", { description: evil }));
  const status = { state: "failure", context: evil, description: evil, target_url: "javascript:alert(1)" };
  await expectStatus(201, bob.post(`/repos/acme/docs/statuses/${await clone.get("rev-parse", "HEAD")}`, status));
  const visitor = await signedIn(forge, "bob");
  const repo = "/acme/docs";
  const branch = encodeURIComponent(`"><script>`);
  const lists = ["/", "/acme", repo, `${repo}/issues`, `${repo}/pulls`, `${repo}/issues?q=${encodeURIComponent(evil)}`];
  const threads = [`${repo}/issues/1`, `${repo}/pulls/2`, `${repo}/pulls/2/commits`, `${repo}/pulls/2/files`];
  const files = [`${repo}/src/branch/${branch}`, `${repo}/src/branch/${branch}/${encodeURIComponent(`${evil}.html`)}`];
  for (const path of [...lists, ...threads, ...files, `${repo}/commits/branch/${branch}`]) {
    const page = await visitor.get(path);
    expect(page.status, path).toBe(200);
    expect(page.html.includes(evil) || page.html.includes('"><script>'), path).toBe(false);
    expect(page.html, path).not.toMatch(/href="javascript:/);
  }
});

test("a picture from another site becomes a link, so that nobody learns who reads", () => {
  const rendered = markdown("![chart](https://elsewhere.invalid/c.png)", where).text;
  expect(rendered).toContain('<a href="https://elsewhere.invalid/c.png" rel="nofollow noopener noreferrer">chart</a>');
  expect(rendered).not.toContain("<img");
});

test("links in a file lead to its neighbours, and pictures to their bytes", () => {
  const rendered = markdown("[a](../a.md#x) [top](/b.md) ![p](p.png) [here](#h)", inFile("guides/deep")).text;
  expect(rendered).toContain('href="/acme/docs/src/branch/main/guides/a.md#x"');
  expect(rendered).toContain('href="/acme/docs/src/branch/main/b.md"');
  expect(rendered).toContain('src="/acme/docs/raw/branch/main/guides/deep/p.png"');
  expect(rendered).toContain('href="#h"');
});

test("numbers of issues become links in running text, but neither in code nor in links", () => {
  const rendered = markdown("see #12, `#13`, [#14](/x), a#15, http://x.invalid/#16", where).text;
  expect(rendered).toContain('<a href="/acme/docs/issues/12" rel="nofollow noopener noreferrer">#12</a>');
  for (const number of [13, 14, 15, 16]) expect(rendered).not.toContain(`issues/${number}`);
});

test("check boxes show their state and cannot be pressed", () => {
  const rendered = markdown("- [ ] one\n- [x] two\n- [y] three", where).text;
  expect(rendered.match(/<input [^>]*disabled/g)).toHaveLength(2);
  expect(rendered).toContain('aria-label="done" /> two');
  expect(rendered).toContain("[y] three");
});
