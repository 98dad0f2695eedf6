/** The two ways in which a call of the forge can fail. */
import { Fault } from "../../contract/fault.ts";

/** The forge is silent, overloaded, broken, or refuses the token: to be tried again until somebody has mended it. */
export class ForgeUnavailable extends Fault {
  /** the forge answered, but does not know the token: a new one cures it */
  readonly isTokenRefused: boolean;

  constructor(message: string, options: ErrorOptions & { isTokenRefused?: boolean } = {}) {
    super(message, options);
    this.name = "ForgeUnavailable";
    this.isTokenRefused = options.isTokenRefused ?? false;
  }
}

/** The forge understood the call and said no. `status` is HTTP's, `message` what the forge said. */
export class ForgeRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "ForgeRefusal";
    this.status = status;
  }
}

/** Whether the forge said no with one of these statuses. */
export const isRefused = (error: unknown, ...statuses: number[]): error is ForgeRefusal =>
  error instanceof ForgeRefusal && statuses.includes(error.status);

export const isTokenRefused = (error: unknown): boolean => error instanceof ForgeUnavailable && error.isTokenRefused;
