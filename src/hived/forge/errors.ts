/** How a call to the forge fails. */
import { Fault } from "../../contract/fault.ts";

/** The forge is silent, overloaded, or broken: tried again. */
export class ForgeUnavailable extends Fault {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ForgeUnavailable";
  }
}

/** The forge understood and said no; whoever calls knows what each status means, and an unexpected one is a bug. */
export class ForgeAnswered extends Error {
  readonly status: number;
  /** the forge's own words */
  readonly words: string;

  constructor(what: string, status: number, words: string) {
    super(`${what}: the forge answered ${status}${words ? `: ${words}` : ""}`);
    this.name = "ForgeAnswered";
    this.status = status;
    this.words = words;
  }
}

/** What the call found, or null when the forge says that there is no such thing, or none that this user may see. */
export async function orNull<Result>(call: Promise<Result>): Promise<Result | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ForgeAnswered && error.status === 404) return null;
    throw error;
  }
}

/** Done, or found done: the forge answers one of these statuses when a thing is there already. */
export async function orDone(call: Promise<unknown>, ...found: number[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ForgeAnswered) || !found.includes(error.status)) throw error;
  }
}
