/** Webhooks of a stage, and receivers that go with the test that started them. */
import { createHmac } from "node:crypto";
import { afterEach } from "vitest";
import { hookEvents } from "../../src/hived/forge/plan.ts";
import { type Answered, expectStatus } from "./caller.ts";
import { type Delivery, type HookReceiver, startHookReceiver } from "./hook-receiver.ts";
import type { Repo, Stage } from "./stage.ts";

export const SECRET = "s3cret";
const EVERYTHING = ["create", "delete", "push", "issues", "issue_comment", "pull_request", "repository"];

export const hookFor = ({ url }: { url: string }, change: object = {}) => ({
  type: "gitea",
  active: true,
  config: { url, content_type: "json", secret: SECRET },
  events: EVERYTHING,
  ...change,
});

/** The coarse name of its event, the fine one, and the action where there is one. */
export const nameOf = ({ headers, body }: Delivery): string =>
  [headers["x-gitea-event"], headers["x-gitea-event-type"], body.action].filter(Boolean).join(" ");
export const hmac = (algorithm: string, text: string): string =>
  createHmac(algorithm, SECRET).update(text).digest("hex");

export class Hooks {
  private readonly stage: Stage;
  private readonly started: HookReceiver[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
  }

  async receive(): Promise<HookReceiver> {
    const receiver = await startHookReceiver();
    this.started.push(receiver);
    return receiver;
  }

  /** @returns the hook */
  on = async (repo: Repo, receiver: HookReceiver, change: object = {}): Promise<Answered["body"]> =>
    (await expectStatus(201, this.stage.admin.post(`${repo.api}/hooks`, hookFor(receiver, change)))).body;

  /** A repository with a hook of its own. */
  async hooked(change: object = {}): Promise<{ repo: Repo; receiver: HookReceiver; hook: Answered["body"] }> {
    const [repo, receiver] = [await this.stage.repo(), await this.receive()];
    return { repo, receiver, hook: await this.on(repo, receiver, change) };
  }

  /** The same, with the events that the hive asks for. */
  subscribed = () => this.hooked({ events: hookEvents.asked });

  close = async (): Promise<void> => {
    for (const receiver of this.started.splice(0)) await receiver[Symbol.asyncDispose]();
  };
}

export function useHooks(stage: Stage): Hooks {
  const hooks = new Hooks(stage);
  afterEach(hooks.close);
  return hooks;
}
