/** The work that keeps a question and its issue alike. */
import type { Core } from "../core.ts";
import type { Forge } from "../forge/client.ts";
import type { Handler } from "../work/scheduler.ts";
import { expireQuestion } from "./expire.ts";
import { settleQuestion } from "./follow.ts";
import { postQuestion } from "./post-question.ts";
import { refuseAnswer } from "./refuse-answer.ts";

export function questionWork(core: Core, forge: Forge): Record<string, Handler> {
  const of = (verb: (core: Core, forge: Forge, id: number) => Promise<void>, atOnce: number): Handler => ({
    atOnce,
    run: (key) => verb(core, forge, Number(key)).then(() => undefined),
  });
  return {
    "post-question": of(postQuestion, 2),
    "settle-question": of(settleQuestion, 1),
    "expire-question": of(expireQuestion, 1),
    "refuse-answer": { atOnce: 1, run: (key) => refuseAnswer(core, forge, key).then(() => undefined) },
  };
}
