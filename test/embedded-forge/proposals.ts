/** A repository with people, and pull requests made in one line, for the tests of what comes after. */
import { type Clone, cloneAs } from "../forge-contract/git-client.ts";
import { type Answered, type Caller, expectStatus, startTestForge, type TestForge } from "./test-forge.ts";

const REPO = "team/code";
export const API = "/repos/team/code";
type Name = "author" | "writer" | "reviewer";

/** author and reviewer may read, writer may write; the site admin owns the organization. */
export class Workshop implements AsyncDisposable {
  readonly forge: TestForge;
  private readonly tokens: Record<Name, string>;

  constructor(forge: TestForge, tokens: Record<Name, string>) {
    this.forge = forge;
    this.tokens = tokens;
  }

  as = (name: Name): Caller => this.forge.withToken(this.tokens[name]);
  get admin(): Caller {
    return this.forge.admin;
  }
  clone = (name: Name): Promise<Clone> => cloneAs(this.forge, REPO, this.tokens[name]);

  /** Proposes one more commit by AGit, in a clone that is kept for going on. */
  async propose(topic: string, file = topic, content = "1"): Promise<{ number: number; head: string; clone: Clone }> {
    const clone = await this.clone("author");
    const head = await clone.commit(file, content);
    return { ...(await this.push(clone, topic)), head, clone };
  }

  async push(clone: Clone, topic: string, ...args: string[]): Promise<{ number: number }> {
    const { code, text } = await clone.propose(topic, ...args);
    const number = Number(/refs\/pull\/(\d+)\/head/.exec(text)?.[1]);
    if (code !== 0 || !number) throw new Error(text);
    return { number };
  }

  async pull(number: number): Promise<Answered["body"]> {
    return (await expectStatus(200, this.admin.get(`${API}/pulls/${number}`))).body;
  }

  async reviews(number: number): Promise<Answered["body"]> {
    return (await expectStatus(200, this.admin.get(`${API}/pulls/${number}/reviews`))).body;
  }

  review = (name: Name, number: number, event: string, more: object = {}): Promise<Answered> =>
    this.as(name).post(`${API}/pulls/${number}/reviews`, { event, ...more });

  merge = (caller: Caller, number: number, more: object = {}): Promise<Answered> =>
    caller.post(`${API}/pulls/${number}/merge`, { Do: "merge", ...more });

  protect = (rule: object): Promise<Answered> => expectStatus(201, this.admin.post(`${API}/branch_protections`, rule));

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forge[Symbol.asyncDispose]();
  }
}

export async function openWorkshop(): Promise<Workshop> {
  const forge = await startTestForge();
  const tokens = { author: "", writer: "", reviewer: "" };
  for (const name of Object.keys(tokens) as Name[]) tokens[name] = await forge.userToken(name);
  await forge.org("team", "code", {
    readers: { level: "read", members: ["author", "reviewer"] },
    writers: { level: "write", members: ["writer"] },
  });
  return new Workshop(forge, tokens);
}
