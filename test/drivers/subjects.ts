/** The agents on which the drivers are tried. Each does what a message says: `say`, `tool`, `wait` or `fork`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Asked, openFakeApi, type Reply, say } from "../claude/fake-api.ts";
import { installClaude } from "../claude/install.ts";
import type { Started } from "./driven.ts";
import { forking } from "./forking.ts";

export type Subject = {
  start(): Promise<Started & AsyncDisposable>;
  /** one of its models that it does not begin with; null: it offers no choice */
  otherModel: string | null;
};

const waiting = "while ! test -e go; do sleep 0.02; done";
const script = JSON.stringify({
  rules: [
    { name: "say", when: { body: "^say" }, steps: [{ say: "done" }] },
    { name: "tool", when: { body: "^tool" }, steps: [{ title: "tool", run: "true" }] },
    { name: "wait", when: { body: "^wait" }, steps: [{ title: "wait", run: waiting }] },
    { name: "fork", when: { body: "^fork" }, steps: [{ title: "fork", run: forking }] },
  ],
});

/** What the model of Claude Code answers; after a call of a tool it is done. */
function reply({ prompt, results }: Asked): Reply {
  const [, word] = /\n(say|tool|wait|fork)\n/.exec(prompt) ?? [];
  const command = { tool: "true", wait: waiting, fork: forking }[word ?? ""];
  return command === undefined || results.length > 0 ? say("done") : { kind: "call", tool: "Bash", input: { command } };
}

/** null, and said loudly, where npm has it not */
const claude = await installClaude();

export const subjects: Record<string, Subject> = {
  "the script agent, over ACP": {
    otherModel: null,
    async start() {
      const directory = mkdtempSync(join(tmpdir(), "hive-"));
      const path = join(directory, "script.yaml");
      writeFileSync(path, script);
      const remove = async () => rmSync(directory, { recursive: true });
      const argv = [process.execPath, join(process.cwd(), "src/script-agent/main.ts"), path];
      return { argv, driver: { kind: "acp", profile: "script" }, [Symbol.asyncDispose]: remove };
    },
  },
  "an agent of any sort, over ACP": {
    otherModel: "large",
    start: async () => ({ ...hostile, [Symbol.asyncDispose]: async () => undefined }),
  },
  ...(claude !== null && { "Claude Code": claudeCode(claude) }),
};

function claudeCode(program: string): Subject {
  return {
    otherModel: "claude-haiku-4-5",
    async start() {
      const api = await openFakeApi();
      api.reply = reply;
      const env = {
        ...{ ANTHROPIC_BASE_URL: api.url, ANTHROPIC_API_KEY: "sk-ant-fake", CLAUDE_CODE_MAX_RETRIES: "0" },
        ...{ CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1", CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: "1" },
      };
      const close = () => api[Symbol.asyncDispose]();
      return { argv: [program], env, driver: { kind: "claude" }, [Symbol.asyncDispose]: close };
    },
  };
}

export const hostile: Started = {
  argv: [process.execPath, new URL("hostile-agent.ts", import.meta.url).pathname],
  driver: { kind: "acp", profile: "script" },
};
