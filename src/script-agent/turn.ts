/** One turn: for each message the first rule that fits, and its steps, each shown while it is done. */
import { setTimeout as pause } from "node:timers/promises";
import { callForge, callTool, runCommand } from "./actions.ts";
import type { Memory } from "./memory.ts";
import type { Message } from "./messages.ts";
import type { CheckedStep, Condition, Rule, Script, Step } from "./script.ts";
import { type Fill, fillIn, fillInAll, patternOf } from "./template.ts";
import type { Output, Tools } from "./tools.ts";

/** What whoever drives the agent sees of it. */
export type Show = {
  say(text: string): Promise<void>;
  /** a step has begun; the result tells how it goes on */
  begin(title: string, kind: "execute" | "fetch" | "other"): Promise<Shown>;
};
export type Shown = {
  retry(title: string): Promise<void>;
  end(isAsExpected: boolean, output: string): Promise<void>;
};

export type Stage = {
  script: Script;
  directory: string;
  state: string;
  /** at the start of the session */
  told: string;
  memory: Memory;
  tools: Tools;
  show: Show;
};

/** Deals with the messages in their order. Nothing of it throws but the signal's abort. */
export async function takeTurn(stage: Stage, messages: readonly Message[], signal: AbortSignal): Promise<void> {
  for (const message of messages) {
    signal.throwIfAborted();
    await stage.show.say(`${await dealWith(stage, message, signal)}\n`);
  }
}

/** Returns what there is to say about it. */
async function dealWith(stage: Stage, message: Message, signal: AbortSignal): Promise<string> {
  const { memory, script, directory, told, show } = stage;
  const which = message.id === "" ? "the prompt" : `message ${message.id} from ${message.from}`;
  if (memory.hasDealtWith(message.id)) return `I have dealt with ${which} before.`;
  const variables = {
    ...script.vars,
    message_id: message.id,
    message_from: message.from,
    message_body: message.body,
  };
  const fill: Fill = { variables, directory, told };
  const rule = script.rules.find((each) => !memory.hasDone(each.name) && fits(each, message, fill));
  if (!rule) return `No rule of mine fits ${which}: I leave it at that.`;
  await show.say(`Rule "${rule.name}" fits ${which}.\n`);
  const problem = await carryOut(stage, { rule, message: message.id, fill }, signal);
  if (problem !== null) return `I gave up rule "${rule.name}" for ${which}. ${problem}`;
  memory.note({ rule: rule.name, message: message.id, isForEver: rule.once === "ever" });
  return `That was rule "${rule.name}".`;
}

type Task = { rule: Rule; message: string; fill: Fill };

/** Takes a rule's steps, from where it was cut off; returns what it was given up for, or null. */
async function carryOut(stage: Stage, { rule, message, fill }: Task, signal: AbortSignal): Promise<string | null> {
  const before = stage.memory.progress(message, rule.name);
  Object.assign(fill.variables, before?.variables);
  for (const [index, step] of rule.steps.entries()) {
    if (index < (before?.steps ?? 0)) continue;
    signal.throwIfAborted();
    const problem = await take(stage, step, fill, signal);
    if (problem !== null) {
      stage.memory.proceed(null);
      return problem;
    }
    // A step that keeps its output only looks, for one after it: cut off there, it must look again.
    const { variables } = fill;
    if (!("save" in step)) stage.memory.proceed({ message, rule: rule.name, steps: index + 1, variables });
  }
  return null;
}

/** Whether a rule fits a message; the named groups of its patterns become variables. */
function fits({ when }: Rule, message: Message, fill: Fill): boolean {
  const wanted = [
    { pattern: when.from, text: message.from },
    { pattern: when.body, text: message.body },
  ].flatMap(({ pattern, text }) => (pattern === undefined ? [] : [patternOf(pattern, fill).exec(text)]));
  if (wanted.includes(null)) return false;
  for (const match of wanted) keepGroups(fill, match);
  return true;
}

/** Takes a step; returns what went wrong, or null. */
async function take(stage: Stage, step: Step, fill: Fill, signal: AbortSignal): Promise<string | null> {
  try {
    if ((step.if && !holds(step.if, fill)) || (step.unless && holds(step.unless, fill))) return null;
    if ("say" in step) {
      await stage.show.say(`${fillIn(step.say, fill)}\n`);
      return null;
    }
    return await tryOften(stage, step, fill, signal);
  } catch (error) {
    signal.throwIfAborted();
    return `${titleOf(step)}: ${(error as Error).message}.`;
  }
}

const holds = ({ text, matches }: Condition, fill: Fill): boolean => patternOf(matches, fill).test(fillIn(text, fill));

const titleOf = (step: Step): string => {
  if (step.title !== undefined) return step.title;
  if ("say" in step) return "say";
  if ("tool" in step) return step.tool;
  return "forge" in step ? step.forge : (step.run.trim().split("\n")[0] ?? "run");
};

const firstPauseMs = 250;
const longestPauseMs = 5_000;

async function tryOften(stage: Stage, step: CheckedStep, fill: Fill, signal: AbortSignal): Promise<string | null> {
  const title = fillIn(titleOf(step), fill);
  const shown = await stage.show.begin(title, "tool" in step ? "other" : "run" in step ? "execute" : "fetch");
  const tries = step.tries ?? stage.script.tries;
  for (let attempt = 1; ; attempt += 1) {
    const output = await act(stage, step, fill, signal);
    signal.throwIfAborted();
    const problem = check(step, output, fill);
    if (problem === null || attempt >= tries) {
      await shown.end(problem === null, output.text);
      return problem === null ? null : `${title}: ${problem}`;
    }
    await shown.retry(`${title} (once more: ${problem})`);
    await pause(Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs), undefined, { signal });
  }
}

function act(stage: Stage, step: CheckedStep, fill: Fill, signal: AbortSignal): Promise<Output> {
  if ("tool" in step) return callTool(stage.tools, step.tool, fillInAll(step.with, fill) as object, signal);
  if ("forge" in step) return callForge(fillIn(step.forge, fill), fillInAll(step.with, fill), signal);
  // Variables reach a command as its environment: what somebody wrote in a message is never taken for shell.
  const env = { ...process.env, ...fill.variables };
  return runCommand(step.run, { env, cwd: stage.state, timeoutMs: step.timeout_seconds * 1_000, signal });
}

/** What is not as expected, or null; what it was to keep of the output is kept then. */
function check(step: CheckedStep, { isSuccess, text }: Output, fill: Fill): string | null {
  const end = text.trim().slice(-300);
  if (step.expect === "success" && !isSuccess) return `it failed: ${end}`;
  if (step.expect === "failure" && isSuccess) return `it should have failed, but did not: ${end}`;
  const match = step.matches === undefined ? null : patternOf(step.matches, fill).exec(text);
  if (step.matches !== undefined && !match) return `it did not say what was expected (${step.matches}): ${end}`;
  keepGroups(fill, match);
  if (step.save !== undefined) fill.variables[step.save] = text;
  return null;
}

/** Named groups become variables; one that took no part in the match leaves what there is. */
function keepGroups({ variables }: Fill, match: RegExpExecArray | null): void {
  for (const [name, value] of Object.entries(match?.groups ?? {})) if (value !== undefined) variables[name] = value;
}
