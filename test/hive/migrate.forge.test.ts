/** A hive moves from its embedded forge to a real Forgejo with `hive forge migrate`, and goes on there. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { readRecord } from "../../src/hive/up/record.ts";
import { expectDeployed, proposalOf, quiet } from "../story/outcome.ts";
import { openProposals } from "../story/proposals.ts";
import { readTour } from "../story/tour.ts";
import { processesOf } from "../support/processes.ts";
import { withPassword } from "../support/raw-forge.ts";
import { bin, Hive } from "../support/start-hive.ts";
import { forgeContent, thread } from "./forge-content.ts";
import { moveIn } from "./strangers.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const forgejo = await findForgejo();
const tour = readTour();

/** Every file below a directory with what is in it. */
function filesIn(directory: string, except: RegExp = /^$/): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map(({ parentPath, name }) => relative(directory, join(parentPath, name)));
  const digest = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(directory, path)))
      .digest("hex");
  return Object.fromEntries(
    paths
      .filter((path) => !except.test(path))
      .sort()
      .map((path) => [path, digest(path)]),
  );
}

function openDatabase(path: string) {
  const sqlite = new Sqlite(path);
  return { exec: (sql: string) => sqlite.exec(sql), [Symbol.dispose]: () => sqlite.close() };
}

describe.skipIf(!forgejo)("on a real Forgejo", () => {
  let hive: Hive;
  let url: string;
  let before: Awaited<ReturnType<typeof forgeContent>>;
  let threads: Record<string, Awaited<ReturnType<typeof thread>>>;
  let state: Hive["now"];
  let data: Record<string, string>;

  const migrate = (...more: string[]) => {
    const argv = [bin, "forge", "migrate", "--home", hive.home, ...more];
    const child = spawn(process.execPath, argv, { env: hive.env, stdio: ["ignore", "pipe", "pipe"] });
    const said = { text: "" };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said.text += text;
      });
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, text: said.text }));
    return { child, said, ended };
  };
  const threadsNow = async () => {
    const all = before.repositories.flatMap(({ name, items }) => items.map((item) => ({ name, ...item })));
    const admin = hive.as("hive-admin");
    const each = all.map(
      async ({ name, number, pull }) =>
        [`${name}#${number}`, await thread(admin, name, number, pull !== null)] as const,
    );
    return Object.fromEntries(await Promise.all(each));
  };

  /** As if a push that failed had used up the number. */
  const leaveOut = (number: number) => {
    using forge = openDatabase(join(hive.home, "forge/forge.db"));
    forge.exec(`UPDATE issues SET number = ${number + 1} WHERE number = ${number} AND title = 'After the gap'`);
    forge.exec("UPDATE repos SET next_number = next_number + 1 WHERE lower_name = 'notes'");
  };

  beforeAll(async () => {
    hive = new Hive(undefined, () => []);
    await hive.up();
    const proposals = openProposals(hive, tour);
    const admin = hive.as("hive-admin");
    url = hive.now.forge?.url ?? "";
    await proposals.approve(await proposalOf(hive, tour.worker));
    await hive.until(({ questions }) => questions.some(({ number }) => number !== null));
    await proposals.propose("bob", proposals.workerFiles);
    await moveIn(url, admin);
    await admin.call("POST", "/repos/eve/notes/issues", { title: "After the gap", body: "Number eight." });
    await quiet(hive);
    await hive.stop();
    leaveOut(7);
    await hive.up();
    await quiet(hive);
    await hive.nothingDue();
    before = await forgeContent(admin);
    threads = await threadsNow();
    state = hive.now;
    if (forgejo) hive.env["HIVE_FORGEJO_BIN"] = forgejo.path;
  });
  afterAll(() => hive[Symbol.asyncDispose]());

  test("while the hive runs it is refused, with what to do", async () => {
    expect(await migrate().ended).toMatchObject({
      code: 78,
      text: expect.stringContaining("Stop it with `hive down`"),
    });
    await hive.stop();
    data = filesIn(join(hive.home, "forge"));
  });

  test("a dry run shows what would move, and changes nothing", async () => {
    const all = filesIn(hive.home);
    const { code, text } = await migrate("--dry-run").ended;
    expect(text).toMatch(/eve\/notes +3 +4 +4 +\d+/);
    expect(text).toContain("Nothing was changed.");
    expect(code).toBe(0);
    expect(filesIn(hive.home)).toEqual(all);
  });

  test("killed in the middle, it leaves the hive its embedded forge, and no process", async () => {
    const { said, ended } = migrate();
    await expect.poll(() => said.text, { timeout: 120_000, interval: 20 }).toContain("eve/notes: 5 of 8");
    const main = processesOf(hive.directory).find(
      ({ argv }) => argv.includes("migrate") && argv[2]?.endsWith("main.ts"),
    );
    process.kill(main?.pid ?? 0, "SIGKILL");
    await ended;
    await expect.poll(() => processesOf(hive.directory), { timeout: 30_000 }).toEqual([]);
    expect(readRecord(join(hive.home, "up.json"))?.forge.kind).toBe("embedded");
    expect(filesIn(join(hive.home, "forge"))).toEqual(data);
  });

  test("the next one begins anew and ends with a hive on Forgejo, at the same address; the old data is as it was", async () => {
    const { port } = new URL(url);
    const { code, text } = await migrate().ended;
    expect([code, text]).toEqual([0, expect.stringContaining("The hive is on Forgejo")]);
    expect(readRecord(join(hive.home, "up.json"))?.forge).toEqual({
      kind: "managed",
      port: Number(port),
      directory: "forgejo",
    });
    expect(filesIn(join(hive.home, "forge"))).toEqual(data);
    expect(existsSync(join(hive.home, "migrating"))).toBe(false);
    expect(await migrate().ended).toMatchObject({ code: 78, text: expect.stringContaining("has a Forgejo already") });
  });

  test("everything is there: users, teams, branches, tags, and each item under its number, by its author, in its state", async () => {
    await hive.up();
    await hive.nothingDue();
    await quiet(hive);
    expect(await forgeContent(hive.as("hive-admin"))).toEqual(before);
  });

  test("what was said is there with its author and its time; reviews are text, but a standing demand for changes", async () => {
    const after = await threadsNow();
    const note =
      /\n\n_\S+ (wrote this|approved|asked for changes of|commented on) .*\d\d\d\d-\d\d-\d\d \d\d:\d\d UTC.*_\n?$/;
    for (const [place, { body, comments, reviews }] of Object.entries(threads)) {
      const now = after[place];
      expect([place, now?.body.startsWith(body.trimEnd()), now?.body]).toEqual([
        place,
        true,
        expect.stringMatching(/UTC\._\n?$/),
      ]);
      const standing = place === "eve/notes#4" ? 1 : 0;
      const given = reviews.filter(({ state }) => /^(APPROVED|REQUEST_CHANGES|COMMENT)$/.test(state));
      const said = [...comments, ...given.slice(standing)].map(({ user, body: text }) => `${user}: ${text}`.trim());
      const found = now?.comments.map(({ user, body: text }) => `${user}: ${text.replace(note, "")}`.trim());
      expect([place, found?.toSorted()]).toEqual([place, said.toSorted()]);
    }
    expect(after["eve/notes#4"]?.reviews).toMatchObject([
      {
        user: "eve",
        state: "REQUEST_CHANGES",
        body: expect.stringMatching(/^Shorter\.[\s\S]*`open\.txt`, line 1:\n\nThis line\./),
      },
    ]);
    expect(after["eve/notes#5"]?.reviews).toMatchObject([{ user: "eve", state: "REQUEST_REVIEW" }]);
    expect(after["hive/agents#2"]?.reviews).toMatchObject([{ user: "operator", state: "REQUEST_REVIEW" }]);
  });

  test("the hive resumes: no turn, message, approval, question or deployment came twice", async () => {
    const { approvals, questions, messages, turns, agents } = state;
    expect(hive.now).toMatchObject({ approvals, questions, messages, turns });
    expect(hive.now.agents.map(({ name, deployment, runningTree }) => [name, deployment, runningTree])).toEqual(
      agents.map(({ name, deployment, runningTree }) => [name, deployment, runningTree]),
    );
    expect(hive.now.forge).toMatchObject({ kind: "managed", url, problem: null });
  });

  test("an open proposal waits for the operator's approval as before, and is deployed by it", async () => {
    const bob = hive.now.approvals.find(({ agent }) => agent === "bob");
    if (!bob) throw new Error("bob's proposal is gone");
    expect(bob.state).toBe("waiting");
    await openProposals(hive, tour).approve(bob);
    await expectDeployed(hive, bob);
  });

  test("an open question is answered on the new forge, and its asker hears of it", async () => {
    const question = hive.now.questions.find(({ asker, state: is }) => asker === tour.worker && is === "open");
    await hive
      .as("operator")
      .call("POST", `/repos/hive/questions/issues/${question?.number}/comments`, { body: "/answer Yes, every day" });
    const { body } = await hive.until(({ messages }) =>
      messages.find(({ to, body: text }) => to === tour.worker && text.startsWith(`Your question ${question?.id} `)),
    );
    expect(body).toContain("Yes, every day");
  });

  test("who had made a pull request by AGit goes on with it under the same topic, with a new first password", async () => {
    const passwords = readFileSync(join(hive.home, "forgejo/first-passwords"), "utf8").trim().split("\n");
    expect(passwords.map((line) => line.split(" ")[0])).toEqual(["eve", "mallory"]);
    const mallory = withPassword(url, "mallory", passwords[1]?.split(" ")[1] ?? "");
    expect(await mallory.status("GET", "/user")).toBe(403); // until it is changed
    const changed = { login_name: "mallory", source_id: 0, must_change_password: false };
    await hive.as("hive-admin").call("PATCH", "/admin/users/mallory", changed);
    expect(await mallory.propose("eve/notes", "by-agit", { "agit.txt": "B\n" })).toMatchObject({ number: 5 });
  });
});
