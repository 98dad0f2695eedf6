/**
 * What every file of the contract suite begins with: its forge, people with a part each, and an organization of theirs.
 * All files may share one forge, so names carry the file's own ending, and each test makes repositories of its own.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect } from "vitest";
import { type Answered, basic, Caller, expectStatus } from "./caller.ts";
import { ADMIN, type ForgeUnderTest, openForgeUnderTest } from "./forge-under-test.ts";
import { type Clone, cloneAs, emptyClone } from "./git-client.ts";
import { faultOf } from "./swagger.ts";

/** Of the organization's repositories: readers may read, writers write; a stranger is in no team. */
const CAST = {
  alice: { part: "readers", restricted: true },
  carol: { part: "readers", restricted: false },
  bob: { part: "writers", restricted: false },
  olga: { part: "writers", restricted: false },
  mallory: { part: undefined, restricted: true },
} as const;
type Name = keyof typeof CAST;
const LEVELS = { readers: "read", writers: "write" } as const;

export class Person extends Caller {
  readonly name: string;
  readonly token: string;

  constructor(url: string, name: string, token: string, check: typeof faultOf | undefined) {
    super(url, `token ${token}`, check);
    this.name = name;
    this.token = token;
  }
}

export const passwordOf = (name: string): string => `password-of-${name}`;

export const newUser = (name: string, restricted = false) => ({
  username: name,
  email: `${name}@forge.invalid`,
  password: passwordOf(name),
  must_change_password: false,
  restricted,
});

export const newTeam = (name: string, level: string) => ({
  name,
  permission: level,
  units_map: { "repo.code": level, "repo.issues": level, "repo.pulls": level },
  includes_all_repositories: true,
});

export const encoded = (text: string): string => Buffer.from(text).toString("base64");

export class Stage {
  private opened: ForgeUnderTest | undefined;
  private readonly ending = randomBytes(3).toString("hex");
  private readonly people = new Map<Name, Person>();
  private readonly scoped = new Map<string, string>();
  private names = 0;

  private get forge(): ForgeUnderTest {
    if (!this.opened) throw new Error("the forge is there once the tests run, not before");
    return this.opened;
  }
  get url(): string {
    return this.forge.url;
  }
  get home(): string {
    return this.forge.home;
  }
  get kind(): ForgeUnderTest["kind"] {
    return this.forge.kind;
  }
  get major(): number {
    return this.forge.major;
  }
  get org(): string {
    return `acme-${this.ending}`;
  }
  get admin(): Person {
    return this.person(ADMIN, this.forge.adminToken);
  }
  get alice(): Person {
    return this.of("alice");
  }
  get bob(): Person {
    return this.of("bob");
  }
  get carol(): Person {
    return this.of("carol");
  }
  get olga(): Person {
    return this.of("olga");
  }
  get mallory(): Person {
    return this.of("mallory");
  }

  /** A name that nothing else on this forge has. */
  fresh(name: string): string {
    this.names += 1;
    return `${name}-${this.ending}-${this.names}`;
  }

  withHeader = (authorization?: string): Caller => new Caller(this.url, authorization, this.check);
  withToken = (token: string): Caller => this.withHeader(`token ${token}`);
  withPassword = (name: string): Caller => this.withHeader(basic(name, passwordOf(name)));

  /** One more user, and a token of it. */
  async user(name = "user", options: { restricted?: boolean } = {}): Promise<Person> {
    return this.makeUser(this.fresh(name), options.restricted ?? false);
  }

  /** A token of somebody with these scopes. */
  async token(name: string, ...scopes: string[]): Promise<string> {
    const wish = { name: this.fresh("token"), scopes };
    return (await expectStatus(201, this.withPassword(name).post(`/users/${name}/tokens`, wish))).body.sha1;
  }

  /** Somebody with a token of exactly these scopes, which is made once. */
  async withScopes(name: string, ...scopes: string[]): Promise<Caller> {
    const key = `${name} ${scopes.join(" ")}`;
    const token = this.scoped.get(key) ?? (await this.token(name, ...scopes));
    this.scoped.set(key, token);
    return this.withToken(token);
  }

  /** A new private repository of the organization, with a first commit. */
  async repo(wish: object = {}): Promise<Repo> {
    const name = this.fresh("repo");
    const body = { name, private: true, auto_init: true, ...wish };
    await expectStatus(201, this.admin.post(`/orgs/${this.org}/repos`, body));
    return new Repo(this, `${this.org}/${name}`);
  }

  /** A new private repository of somebody's own. */
  async repoOf(owner: Person, wish: object = {}): Promise<Repo> {
    const name = this.fresh("own");
    await expectStatus(201, owner.post("/user/repos", { name, private: true, auto_init: true, ...wish }));
    return new Repo(this, `${owner.name}/${name}`);
  }

  open = async (): Promise<void> => {
    this.opened = await openForgeUnderTest();
    await Promise.all(
      Object.entries(CAST).map(async ([name, { restricted }]) =>
        this.people.set(name as Name, await this.makeUser(`${name}-${this.ending}`, restricted)),
      ),
    );
    await expectStatus(201, this.admin.post("/orgs", { username: this.org, visibility: "private" }));
    for (const [team, level] of Object.entries(LEVELS)) {
      const { body } = await expectStatus(201, this.admin.post(`/orgs/${this.org}/teams`, newTeam(team, level)));
      const members = [...this.people].filter(([name]) => CAST[name].part === team);
      for (const [, { name }] of members) await expectStatus(204, this.admin.put(`/teams/${body.id}/members/${name}`));
    }
  };

  close = async (): Promise<void> => this.opened?.[Symbol.asyncDispose]();

  private of(name: Name): Person {
    const person = this.people.get(name);
    if (!person) throw new Error(`${name} is there once the tests run, not before`);
    return person;
  }

  private async makeUser(name: string, restricted: boolean): Promise<Person> {
    await expectStatus(201, this.admin.post("/admin/users", newUser(name, restricted)));
    return this.person(name, await this.token(name, "all"));
  }

  private person = (name: string, token: string): Person => new Person(this.url, name, token, this.check);

  /** 15's description binds the embedded forge alone: an older Forgejo answers as its own says. */
  private get check() {
    return this.forge.kind === "embedded" ? faultOf : undefined;
  }
}

/** A repository, and what is often done in one. */
export class Repo {
  private readonly stage: Stage;
  /** owner/name */
  readonly path: string;
  readonly api: string;

  constructor(stage: Stage, path: string) {
    this.stage = stage;
    this.path = path;
    this.api = `/repos/${path}`;
  }

  get name(): string {
    return this.path.split("/")[1] ?? "";
  }
  get url(): string {
    return `${this.stage.url}/${this.path}`;
  }

  clone = (who: Person, ...args: string[]): Promise<Clone> => cloneAs(this.stage, this.path, who.token, ...args);
  emptyClone = (who: Person): Promise<Clone> => emptyClone(this.stage, this.path, who.token);

  /** @returns the issue */
  issue = async (who: Person, title: string, more: object = {}): Promise<Answered["body"]> =>
    (await expectStatus(201, who.post(`${this.api}/issues`, { title, ...more }))).body;

  /** Commits a new file by the API. @returns the commit's id */
  async write(who: Person, file: string, content = "x\n", branch: object = { branch: "main" }): Promise<string> {
    const files = [{ operation: "create", path: file, content: encoded(content) }];
    const wish = { message: `add ${file}`, files, ...branch };
    return (await expectStatus(201, who.post(`${this.api}/contents`, wish))).body.commit.sha;
  }

  /** A pull request for `main` from a new branch of that name with one file more. */
  async pullFromBranch(who: Person, branch: string, more: object = {}): Promise<Proposal> {
    const head = await this.write(who, `on-${branch}`, "x\n", { branch: "main", new_branch: branch });
    const wish = { head: branch, base: "main", title: branch, ...more };
    const { body } = await expectStatus(201, who.post(`${this.api}/pulls`, wish));
    return { number: body.number, head, api: `${this.api}/pulls/${body.number}` };
  }

  /** A pull request for `main` by AGit, in a clone that is kept for going on. */
  async propose(who: Person, topic: string, file = topic, content = "1"): Promise<Proposal & { clone: Clone }> {
    const clone = await this.clone(who);
    const head = await clone.commit(file, content);
    const number = await pushProposal(clone, topic);
    return { number, head, clone, api: `${this.api}/pulls/${number}` };
  }

  /** Proposes the clone's HEAD for the same topic once more. */
  async repropose({ clone, number }: Proposal & { clone: Clone }, topic: string, ...args: string[]): Promise<string> {
    const head = await clone.get("rev-parse", "HEAD");
    await pushProposal(clone, topic, ...args);
    await becomes(async () => (await this.get(`/pulls/${number}`)).head.sha).toBe(head);
    return head;
  }

  /** Merges, once the forge has looked whether that is possible. @returns "merged", or status and reason of the refusal */
  async merge(who: Caller, { api }: Proposal, more: object = {}): Promise<string> {
    let answer = "";
    const attempt = async () => {
      const { status, body } = await who.post(`${api}/merge`, { Do: "merge", ...more });
      answer = status === 200 ? "merged" : `${status} ${body.message}`;
      return answer;
    };
    await becomes(attempt).not.toBe("405 Please try again later");
    return answer;
  }

  protect = (rule: object): Promise<Answered> =>
    expectStatus(201, this.stage.admin.post(`${this.api}/branch_protections`, { rule_name: "main", ...rule }));

  tip = async (branch = "main"): Promise<string> =>
    (await expectStatus(200, this.stage.admin.get(`${this.api}/branches/${branch}`))).body.commit.id;

  get = async (path: string): Promise<Answered["body"]> =>
    (await expectStatus(200, this.stage.admin.get(`${this.api}${path}`))).body;
}

export interface Proposal {
  number: number;
  /** The commit that is proposed. */
  head: string;
  /** Path of the pull request in the API. */
  api: string;
}

/** Pushes HEAD for main. @returns the pull request's number */
export async function pushProposal(clone: Clone, topic: string, ...args: string[]): Promise<number> {
  const { code, text } = await clone.propose(topic, ...args);
  const number = Number(/\/pulls\/(\d+)/.exec(text)?.[1]);
  if (code !== 0 || !number) throw new Error(text);
  return number;
}

/** What a forge does after its answer, where it does: Forgejo looks then whether a pull request can be merged. */
export const becomes = (read: () => Promise<unknown>) => expect.poll(read, { timeout: 30_000, interval: 100 });

export const review = (who: Caller, { api }: Proposal, event: string, more: object = {}): Promise<Answered> =>
  who.post(`${api}/reviews`, { event, ...more });

export const types = (entries: { type: string }[]): string[] => entries.map(({ type }) => type);
export const titles = (answer: Answered): string[] => answer.body.map(({ title }: { title: string }) => title);
export const names = (answer: Answered): string[] => answer.body.map(({ name }: { name: string }) => name);

/** The stage of a file, opened before its tests and gone after them. */
export function useStage(): Stage {
  const stage = new Stage();
  beforeAll(stage.open);
  afterAll(stage.close);
  return stage;
}
