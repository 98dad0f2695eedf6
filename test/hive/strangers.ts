/** What people may have made on the embedded forge beside the hive's own things, in all states that there are. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeRepo, type Person, withPassword } from "../support/raw-forge.ts";

const password = "Somebody-else-7";
const repo = "eve/notes";

/** Commits a file on a branch that begins where main is, and pushes it. @returns the commit */
function pushBranch(url: string, user: string, branch: string, file: string): string {
  const directory = mkdtempSync(join(tmpdir(), "hive-clone-"));
  const header = `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const git = (...args: string[]) =>
    execFileSync(
      "git",
      ["-c", `http.extraHeader=${header}`, "-c", "user.name=test", "-c", "user.email=test@hive.invalid", ...args],
      { cwd: directory, encoding: "utf8", stdio: "pipe", env: { ...process.env, GIT_CONFIG_NOSYSTEM: "1" } },
    ).trim();
  try {
    git("clone", "-q", `${url}/${repo}.git`, ".");
    git("checkout", "-q", "-B", branch);
    writeFileSync(join(directory, file), `${branch}\n`);
    git("add", "-A");
    git("commit", "-qm", `Write ${file}`);
    git("tag", `of-${branch}`);
    git("push", "-q", "origin", `HEAD:refs/heads/${branch}`, `of-${branch}`);
    return git("rev-parse", "HEAD");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Eve has a repository, mallory helps her; an organization acme has a team and a repository without a commit. */
export async function moveIn(url: string, admin: Person): Promise<void> {
  for (const username of ["eve", "mallory"])
    await admin.call("POST", "/admin/users", {
      username,
      email: `${username}@elsewhere.invalid`,
      full_name: `${username} of elsewhere`,
      password,
      must_change_password: false,
    });
  const [eve, mallory] = ["eve", "mallory"].map((name) => withPassword(url, name, password)) as [Person, Person];
  await makeRepo(eve, repo, ["mallory"]);
  const path = `/repos/${repo}`;
  await eve.call("POST", `${path}/labels`, { name: "food", color: "#00aabb", description: "To eat" });

  await mallory.call("POST", `${path}/issues`, { title: "Buy milk", body: "/answer two\n\nBottles." }); // 1: closed
  await eve.call("POST", `${path}/issues/1/comments`, { body: "Or three." });
  await eve.call("POST", `${path}/issues/1/labels`, { labels: ["food"] });
  await eve.call("PATCH", `${path}/issues/1`, { assignees: ["mallory"], state: "closed" });

  pushBranch(url, "eve", "merged", "merged.txt"); // 2: merged, its branch deleted
  await eve.call("POST", `${path}/pulls`, { head: "merged", base: "main", title: "Merge me", body: "Please." });
  await mallory.call("POST", `${path}/pulls/2/reviews`, { event: "APPROVED", body: "Good." });
  await eve.call("POST", `${path}/pulls/2/merge`, { Do: "merge", delete_branch_after_merge: true });

  pushBranch(url, "mallory", "closed", "closed.txt"); // 3: closed
  await mallory.call("POST", `${path}/pulls`, { head: "closed", base: "main", title: "Not this" });
  await eve.call("PATCH", `${path}/pulls/3`, { state: "closed" });

  pushBranch(url, "mallory", "open", "open.txt"); // 4: open, changes asked for
  await mallory.call("POST", `${path}/pulls`, { head: "open", base: "main", title: "Think about this" });
  await eve.call("POST", `${path}/pulls/4/reviews`, {
    event: "REQUEST_CHANGES",
    body: "Shorter.",
    comments: [{ path: "open.txt", body: "This line.", new_position: 1 }],
  });

  await mallory.propose(repo, "by-agit", { "agit.txt": "A\n" }); // 5: open, by AGit, approved
  await eve.call("POST", `${path}/pulls/5/reviews`, { event: "APPROVED", body: "Fine." });
  await eve.call("POST", `${path}/issues`, { title: "Later", body: "" }); // 6: open
  await mallory.call("POST", `${path}/issues/6/comments`, { body: "Mallory was here." });

  await admin.call("POST", "/orgs", { username: "acme", visibility: "private" });
  const team = { name: "crew", permission: "write", units_map: { "repo.code": "write", "repo.issues": "read" } };
  const { id } = (await admin.call("POST", "/orgs/acme/teams", team)) as { id: number };
  await admin.call("PUT", `/teams/${id}/members/mallory`);
  await admin.call("POST", "/orgs/acme/repos", { name: "site", private: true, default_branch: "trunk" });
  await admin.call("PUT", `/teams/${id}/repos/acme/site`);
  await mallory.call("POST", "/repos/acme/site/issues", { title: "From acme", body: "Still empty." });
  await admin.call("DELETE", `/teams/${id}/members/mallory`); // who wrote it has no access any more
}
