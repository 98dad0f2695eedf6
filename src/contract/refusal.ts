import { z } from "zod";

/** How a refusal crosses a process. */
export const RefusalBody = z.object({ code: z.string(), message: z.string(), next: z.string() });
export type RefusalBody = z.infer<typeof RefusalBody>;

/**
 * The one error that a user or an agent may see: the caller's mistake.
 * `message` says what is wrong in one sentence, `next` what to do about it, `code` is for programs (snake_case).
 */
export class Refusal extends Error {
  readonly code: string;
  readonly next: string;

  constructor(code: string, message: string, next: string) {
    super(message);
    this.name = "Refusal";
    this.code = code;
    this.next = next;
  }

  toBody(): RefusalBody {
    return { code: this.code, message: this.message, next: this.next };
  }

  static fromBody(body: RefusalBody): Refusal {
    return new Refusal(body.code, body.message, body.next);
  }
}
