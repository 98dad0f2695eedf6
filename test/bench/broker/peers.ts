/** What a user would take instead of a broker of ours: each in its most durable setting, measured where it is installed. */
import { setTimeout as delay } from "node:timers/promises";
import type { Goal } from "../figure.ts";

export type Peer = {
  name: string;
  /** of our cycles a second to its */
  goal: Goal;
  /** what to do to have it measured */
  install: string;
  isInstalled(): boolean;
  /** Starts it; `cycle` sends from a place, and resolves once a consumer has got that and its acknowledgement is stored. */
  open(directory: string, body: string): Promise<{ cycle(place: number): Promise<void>; close(): Promise<void> }>;
};

/** Tries again until a server listens that was just started. */
export async function untilThere<Result>(connecting: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await connecting();
    } catch (error) {
      if (tries === 100) throw error;
      await delay(50);
    }
  }
}
