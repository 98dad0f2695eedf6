/** A push beside the operator's approval of the head before it, at every moment of the approval's way. */
import { expect } from "vitest";
import { Fault } from "../../src/contract/fault.ts";
import { followApproval } from "../../src/hived/approvals/follow.ts";
import type { ForgeUser, ForgeVerbs } from "../../src/hived/forge/client.ts";
import type { LifecycleParts } from "../../src/hived/lifecycle/parts.ts";
import type { Approvals } from "./open-approvals.ts";

/** The same parts, which tell before each call of the forge. */
function telling(parts: LifecycleParts, tell: () => void): LifecycleParts {
  const verbs = (as: ForgeVerbs): ForgeVerbs =>
    Object.fromEntries(
      Object.entries(as).map(([name, verb]) => {
        const call = verb as (...args: unknown[]) => Promise<unknown>;
        return [
          name,
          (...args: unknown[]) => {
            tell();
            return call(...args);
          },
        ];
      }),
    ) as unknown as ForgeVerbs;
  return { ...parts, forge: { ...parts.forge, as: (user: ForgeUser) => verbs(parts.forge.as(user)) } };
}

export type Racer = {
  number: number;
  path: string;
  /** what the head says that stands there */
  text: string;
  approve(): Promise<unknown>;
  push(text: string): Promise<unknown>;
};

/**
 * Has its head approved, follows it, and pushes another beside that, which begins with this call of the forge and is not
 * waited for. What was approved is merged, or nothing is.
 * @returns whether it was
 */
export async function race(hive: Approvals, racer: Racer, pushAt: number): Promise<boolean> {
  const { number, path, text } = racer;
  await racer.approve();
  let call = 0;
  let push: Promise<unknown> | undefined;
  const parts = telling(hive.parts, () => {
    if (call === pushAt) push = racer.push(`After ${text}`);
    call += 1;
  });
  await followApproval(parts, number).catch((error: unknown) => {
    if (!(error instanceof Fault)) throw error; // the scheduler tries again
  });
  await (push ?? racer.push(`After ${text}`));
  const onMain = await hive.readMain(path);
  expect(onMain, `pushed at ${pushAt}`).toBeOneOf([undefined, text]);
  return onMain !== undefined;
}
