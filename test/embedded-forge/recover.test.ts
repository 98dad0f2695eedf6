/** A crash between any two effects of what writes git and database: the next start ends it or undoes it, never half. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openForge } from "../../forge/embedded/app.ts";
import { ForgeConfig } from "../../forge/embedded/config.ts";
import { type AgitPlan, applyAgit } from "../../forge/embedded/domain/agit.ts";
import { branchTip, createBranch } from "../../forge/embedded/domain/branches.ts";
import { changeFiles } from "../../forge/embedded/domain/contents.ts";
import { mergePull } from "../../forge/embedded/domain/merge.ts";
import { openPull } from "../../forge/embedded/domain/open-pull.ts";
import { allPulls, type PullRequest, pullHeadRef } from "../../forge/embedded/domain/pulls.ts";
import { createRepo, deleteRepo } from "../../forge/embedded/domain/repo-life.ts";
import { type Repo, repoByName } from "../../forge/embedded/domain/repos.ts";
import { createUser, type User, userByName } from "../../forge/embedded/domain/users.ts";
import { type Forge, repoDir } from "../../forge/embedded/forge.ts";
import { isAncestor } from "../../forge/embedded/git/history.ts";
import { NO_COMMIT, readCommit } from "../../forge/embedded/git/objects.ts";
import { listRefs, moveRefs } from "../../forge/embedded/git/refs.ts";
import { editTree, writeBlob, writeCommit } from "../../forge/embedded/git/write.ts";
import { recover } from "../../forge/embedded/recover.ts";

let home: string;
const template = () => path.join(home, "template");
let copies = 0;

const open = (dataDir: string): Forge =>
  openForge(ForgeConfig.parse({ dataDir, port: 0, adminName: "root", adminTokenFile: path.join(dataDir, "token") }));

/** ann's repository `code` with branch `topic` one commit ahead, and pull request 1 for it. */
beforeAll(async () => {
  home = mkdtempSync(path.join(tmpdir(), "forge-"));
  const forge = open(template());
  const ann = await createUser(forge, { name: "ann", email: "ann@forge.invalid" });
  const repo = await createRepo(forge, ann, ann, { name: "code", private: true, auto_init: true });
  await createBranch(forge, ann, repo, "topic");
  const files = [{ operation: "create" as const, path: "a", content: Buffer.from("1") }];
  await changeFiles(forge, ann, repo, { branch: "topic", files });
  await openPull(forge, ann, repo, { head: "topic", base: "main", title: "topic" });
  forge.db.close();
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

class Crash extends Error {}

/** Lets `effects` writes through, git's and the database's, and nothing after them. */
function crashing(forge: Forge, effects: number): Forge & { left: () => number } {
  let left = effects;
  const spend = () => {
    left -= 1;
    if (left < 0) throw new Crash();
  };
  const git = new Proxy(forge.git, {
    get: (target, name, receiver) =>
      name !== "try"
        ? Reflect.get(target, name, receiver)
        : async (...[dir, args, options]: Parameters<Forge["git"]["try"]>) => {
            if (args.some((arg) => ["update-ref", "symbolic-ref"].includes(arg))) spend();
            else if (left < 0) throw new Crash();
            return target.try(dir, args, options);
          },
  });
  const db = new Proxy(forge.db, {
    get: (target, name) => {
      if (name === "write") {
        return (change: () => unknown) => {
          spend();
          return target.write(change);
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...forge, git, db, left: () => left };
}

interface Scene {
  forge: Forge;
  ann: User;
  repo: Repo;
  pull: PullRequest;
}

function sceneOf(forge: Forge): Scene {
  const ann = userByName(forge.db, "ann");
  const repo = repoByName(forge.db, "ann", "code");
  const pull = repo && allPulls(forge.db, repo)[0];
  if (!ann || !repo || !pull) throw new Error("the template is not what it should be");
  return { forge, ann, repo, pull };
}

/** Runs `act` with a crash after 0, 1, 2 … effects until it comes through; `check` sees each state after the next start. */
async function crashEverywhere(
  act: (scene: Scene) => Promise<unknown>,
  check: (forge: Forge, isDone: boolean) => Promise<void>,
) {
  for (let effects = 0; effects < 40; effects += 1) {
    copies += 1;
    const dataDir = path.join(home, `copy-${copies}`);
    cpSync(template(), dataDir, { recursive: true });
    const forge = open(dataDir);
    const broken = crashing(forge, effects);
    const outcome = await act(sceneOf(broken)).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (outcome !== undefined && !(outcome instanceof Crash)) throw outcome;
    const isDone = broken.left() >= 0;
    forge.db.close();
    const next = open(dataDir);
    await recover(next);
    await check(next, isDone);
    next.db.close();
    rmSync(dataDir, { recursive: true, force: true });
    if (isDone) return effects;
  }
  throw new Error("it never came to its end");
}

test("a merge that is cut off anywhere is done whole or not at all", async () => {
  const seen = new Set<boolean>();
  const effects = await crashEverywhere(
    ({ forge, ann, repo, pull }) =>
      mergePull(forge, ann, repo, pull, { style: "merge", title: "", message: "", delete_branch: true }),
    async (forge, isDone) => {
      const { repo, pull } = sceneOf(forge);
      const main = (await branchTip(forge, repo, "main")) ?? "";
      const isInMain = await isAncestor(forge.git, repoDir(forge, repo), pull.pull.head_sha, main);
      seen.add(isInMain);
      expect(pull.pull.merge_intent).toBeNull();
      expect(pull.pull.merged_at !== null).toBe(isInMain);
      expect(pull.issue.state).toBe(isInMain ? "closed" : "open");
      expect(await branchTip(forge, repo, "topic")).toBe(isInMain ? undefined : pull.pull.head_sha);
      if (isInMain) expect(pull.pull.merge_commit).toBe(main);
      else expect(pull.pull).toMatchObject({ conflict: "none", base_sha: main });
      if (isDone) expect(isInMain).toBe(true);
    },
  );
  expect(seen).toEqual(new Set([false, true]));
  expect(effects).toBeGreaterThan(4);
});

/** A commit of one file on top of another commit, as a push would bring it. */
async function commitOn({ forge, repo }: Pick<Scene, "forge" | "repo">, parent: string, file: string): Promise<string> {
  const dir = repoDir(forge, repo);
  const tree = await editTree(forge.git, dir, parent, [{ path: file, sha: await writeBlob(dir, Buffer.from(file)) }]);
  const { author } = await readCommit(forge.git, dir, parent);
  return writeCommit(dir, { tree, parents: [parent], message: file, author, committer: author });
}

test("a proposal that is cut off is a pull request with its head, or neither", async () => {
  await crashEverywhere(
    async (scene) => {
      const main = (await branchTip(scene.forge, scene.repo, "main")) ?? "";
      const after = await commitOn(scene, main, "b");
      const plan: AgitPlan = {
        ref: "refs/for/main",
        after,
        base: "main",
        head: "ann/b",
        seen: undefined,
        isForced: false,
        title: "b",
        body: "",
      };
      await applyAgit(scene.forge, scene.repo, scene.ann, [plan]);
    },
    async (forge, isDone) => {
      const { repo } = sceneOf(forge);
      const rows = allPulls(forge.db, repo).map(({ issue, pull }) => `${pullHeadRef(issue.number)} ${pull.head_sha}`);
      const refs = listRefs(repoDir(forge, repo), "refs/pull");
      expect(refs.map(({ ref, object }) => `${ref} ${object}`)).toEqual(rows);
      if (isDone) expect(rows).toHaveLength(2);
    },
  );
});

test("a commit through the API that is cut off is followed by its pull request at the next start", async () => {
  const files = [{ operation: "create" as const, path: "c", content: Buffer.from("1") }];
  await crashEverywhere(
    ({ forge, ann, repo }) => changeFiles(forge, ann, repo, { branch: "topic", files }),
    async (forge) => {
      const { repo, pull } = sceneOf(forge);
      const tip = await branchTip(forge, repo, "topic");
      expect(pull.pull.head_sha).toBe(tip);
      const [ref] = listRefs(repoDir(forge, repo), "refs/pull/1/head");
      expect(ref?.object).toBe(tip);
    },
  );
});

test("a repository whose making or deletion is cut off has both row and folder, or neither", async () => {
  const check = async (forge: Forge) => {
    const rows = forge.db.all<{ id: number }>("SELECT id FROM repos ORDER BY id").map(({ id }) => `${id}.git`);
    expect(readdirSync(forge.reposDir).sort()).toEqual(rows.sort());
  };
  await crashEverywhere(({ forge, ann }) => createRepo(forge, ann, ann, { name: "new", auto_init: true }), check);
  await crashEverywhere(async ({ forge, ann, repo }) => deleteRepo(forge, ann, repo), check);
});

test("a start sweeps what a killed push has left, and an old lock, but not a new one", async () => {
  const dataDir = path.join(home, "swept");
  cpSync(template(), dataDir, { recursive: true });
  const forge = open(dataDir);
  const { repo } = sceneOf(forge);
  const dir = repoDir(forge, repo);
  const incoming = path.join(dir, "objects/tmp_objdir-incoming-x");
  mkdirSync(path.join(incoming, "pack"), { recursive: true });
  const fresh = path.join(dir, "refs/heads/fresh.lock");
  writeFileSync(fresh, "");
  mkdirSync(path.join(forge.reposDir, "99.git"));
  await moveRefs(forge.git, dir, [
    { ref: "refs/pull/7/head", before: NO_COMMIT, after: (await branchTip(forge, repo, "main")) ?? "" },
  ]);
  await recover(forge);
  expect(existsSync(incoming)).toBe(false);
  expect(existsSync(path.join(forge.reposDir, "99.git"))).toBe(false);
  expect(existsSync(fresh)).toBe(true);
  expect(listRefs(dir, "refs/pull").map(({ ref }) => ref)).toEqual(["refs/pull/1/head"]);
  forge.db.close();
});
