/** What the agent must not forget when its process ends: its conversation, and what it has carried out. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const Content = z.object({
  session: z.string().nullable().default(null),
  /** names of rules that were carried out once and for ever */
  rules: z.array(z.string()).default([]),
  /** the newest messages that were dealt with, with the rule */
  messages: z.array(z.object({ id: z.string(), rule: z.string() })).default([]),
  /** the rule that is being carried out: how many of its steps are done, and its variables after them */
  progress: z
    .object({
      message: z.string(),
      rule: z.string(),
      steps: z.number().int(),
      variables: z.record(z.string(), z.string()),
    })
    .nullable()
    .default(null),
});
type Content = z.infer<typeof Content>;
type Progress = NonNullable<Content["progress"]>;

export type Memory = {
  session(): string | null;
  keepSession(id: string): void;
  hasDone(rule: string): boolean;
  hasDealtWith(message: string): boolean;
  /** Where a rule was cut off for a message, when the process ended in it. */
  progress(message: string, rule: string): Progress | null;
  /** Notes how far a rule has come; null: it was given up. */
  proceed(progress: Progress | null): void;
  /** Notes that a rule was carried out for a message. */
  note(done: { rule: string; message: string; isForEver: boolean }): void;
};

const mostMessages = 1_000;

/** Each change is on disk before it returns. @param directory the agent's own, which outlives it */
export function openMemory(directory: string): Memory {
  const path = join(directory, "script-agent.json");
  let content = read(path);
  const change = (changed: Partial<Content>) => {
    content = { ...content, ...changed };
    write(path, JSON.stringify(content));
  };
  return {
    session: () => content.session,
    keepSession: (session) => change({ session }),
    hasDone: (rule) => content.rules.includes(rule),
    hasDealtWith: (message) => message !== "" && content.messages.some(({ id }) => id === message),
    progress(message, rule) {
      const { progress } = content;
      return message !== "" && progress?.message === message && progress.rule === rule ? progress : null;
    },
    proceed: (progress) => change({ progress }),
    note({ rule, message, isForEver }) {
      const rules = isForEver ? [...content.rules, rule] : content.rules;
      const messages = [...content.messages, { id: message, rule }].slice(-mostMessages);
      change({ rules, messages, progress: null });
    },
  };
}

function read(path: string): Content {
  try {
    return Content.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Content.parse({});
    throw error;
  }
}

function write(path: string, text: string): void {
  const file = openSync(`${path}.new`, "w");
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
}
