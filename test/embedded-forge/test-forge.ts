/** A forge of its own for each test, in this process on a free loopback port, and callers of its API. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RunningForge, type Surroundings, startForge } from "../../forge/embedded/app.ts";
import { type Answered, basic, Caller, expectStatus } from "../forge-contract/caller.ts";

export { type Answered, basic, Caller, expectStatus };

const EVERY_SCOPE = ["all"];
export const passwordOf = (name: string): string => `password-of-${name}`;

export class TestForge implements AsyncDisposable {
  readonly home: string;
  readonly running: RunningForge;

  constructor(home: string, running: RunningForge) {
    this.home = home;
    this.running = running;
  }

  get url(): string {
    return this.running.url;
  }

  get adminToken(): string {
    return readFileSync(path.join(this.home, "admin-token"), "utf8").trim();
  }

  get admin(): Caller {
    return this.withToken(this.adminToken);
  }

  withToken = (token: string): Caller => new Caller(this.url, `token ${token}`);
  withPassword = (name: string): Caller => new Caller(this.url, basic(name, passwordOf(name)));
  withHeader = (authorization?: string): Caller => new Caller(this.url, authorization);

  /** A new user and a token of it. */
  async user(name: string, options: { restricted?: boolean; scopes?: string[] } = {}): Promise<Caller> {
    return this.withToken(await this.userToken(name, options));
  }

  async userToken(name: string, options: { restricted?: boolean; scopes?: string[] } = {}): Promise<string> {
    await expectStatus(201, this.admin.post("/admin/users", newUser(name, options.restricted ?? false)));
    return this.token(name, options.scopes ?? EVERY_SCOPE);
  }

  async token(name: string, scopes: string[]): Promise<string> {
    const call = this.withPassword(name).post(`/users/${name}/tokens`, { name: `test ${scopes.join(" ")}`, scopes });
    return (await expectStatus(201, call)).body.sha1;
  }

  /** An organization of the site admin with a private repository and, per team, its level and members. */
  async org(name: string, repo: string, teams: Record<string, { level: "read" | "write"; members: string[] }>) {
    await expectStatus(201, this.admin.post("/orgs", { username: name, visibility: "private" }));
    await expectStatus(201, this.admin.post(`/orgs/${name}/repos`, { name: repo, private: true, auto_init: true }));
    for (const [team, { level, members }] of Object.entries(teams)) {
      const created = await expectStatus(201, this.admin.post(`/orgs/${name}/teams`, newTeam(team, level)));
      for (const member of members)
        await expectStatus(204, this.admin.put(`/teams/${created.body.id}/members/${member}`));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.running.stop();
    rmSync(this.home, { recursive: true, force: true });
  }
}

export async function startTestForge(surroundings: Surroundings = {}): Promise<TestForge> {
  const home = mkdtempSync(path.join(tmpdir(), "forge-"));
  return new TestForge(home, await startForge(configOf(home), surroundings));
}

export const configOf = (home: string) => ({
  dataDir: path.join(home, "data"),
  port: 0,
  adminName: "root-of-all",
  adminTokenFile: path.join(home, "admin-token"),
  passwordCost: 2,
});

export const newUser = (name: string, restricted = false) => ({
  username: name,
  email: `${name}@forge.invalid`,
  password: passwordOf(name),
  must_change_password: false,
  restricted,
});

const newTeam = (name: string, level: string) => ({
  name,
  permission: level,
  units_map: { "repo.code": level, "repo.issues": level, "repo.pulls": level },
  includes_all_repositories: true,
});
