/** hived killed after a number of its acts: nothing more is done from then on, until it is started again. */
import { Fault } from "../../src/contract/fault.ts";
import type { Runner } from "../../src/hived/core.ts";
import type { Forge, ForgeUser, ForgeVerbs } from "../../src/hived/forge/client.ts";
import type { TestCore } from "../support/open-core.ts";

/** What changes the forge; to look at it leaves nothing behind. */
const changes = /^(add|change|close|commit|create|delete|edit|give|merge|post|remove|request|set)/;

export type Cut = ReturnType<typeof openCut>;

export function openCut() {
  let left = Number.POSITIVE_INFINITY;
  let tell: () => void = () => undefined;
  const act = <Result>(done: () => Promise<Result>): Promise<Result> => {
    if (left <= 0) {
      tell();
      return Promise.reject(new Fault("hived was killed"));
    }
    left -= 1;
    return done();
  };
  const verbs = (as: ForgeVerbs): ForgeVerbs =>
    Object.fromEntries(
      Object.entries(as).map(([name, verb]) => {
        const call = verb as (...args: unknown[]) => Promise<unknown>;
        return [name, changes.test(name) ? (...args: unknown[]) => act(() => call(...args)) : call];
      }),
    ) as unknown as ForgeVerbs;
  return {
    /** Resolves once it has had so many acts, and wants another. */
    after: (acts: number): Promise<void> =>
      new Promise((resolve) => {
        left = acts;
        tell = resolve;
      }),
    startAgain(): void {
      left = Number.POSITIVE_INFINITY;
    },
    core: (core: TestCore): TestCore => {
      const write: typeof core.db.write = (closure, options) => act(() => core.db.write(closure, options));
      return { ...core, db: { ...core.db, write } };
    },
    forge: (forge: Forge): Forge => ({ ...forge, as: (user: ForgeUser) => verbs(forge.as(user)) }),
    runner: (runner: Runner): Runner => ({ ...runner, call: (name, request) => act(() => runner.call(name, request)) }),
  };
}
