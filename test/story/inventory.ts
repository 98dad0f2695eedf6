/** All that a hive has made, outside and inside: what a start must not make twice. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Hive } from "../support/start-hive.ts";

const Users = z.array(z.object({ login: z.string() }));
const Hooks = z.array(z.object({ id: z.number(), type: z.string() }));
const Repos = z.object({ data: z.array(z.object({ full_name: z.string() })) });
const Threads = z.array(z.object({ number: z.number(), title: z.string(), state: z.string(), comments: z.number() }));
const Tags = z.array(z.object({ name: z.string(), commit: z.object({ sha: z.string() }) }));

export async function inventory(hive: Hive) {
  const { messages, entries, turns, approvals, questions, agents } = hive.now;
  const admin = hive.as("hive-admin");
  const repos = Repos.parse(await admin.call("GET", "/repos/search?limit=50")).data.map(({ full_name }) => full_name);
  return {
    users: Users.parse(await admin.call("GET", "/admin/users?limit=50")).map(({ login }) => login),
    hooks: Hooks.parse(await admin.call("GET", "/admin/hooks")),
    repos: await Promise.all(repos.sort().map((repo) => repoInventory(hive, repo))),
    // A token that is minted anew is another one.
    tokens: tokensOf(hive),
    messages: messages.map(({ id, from, to }) => ({ id, from, to })),
    attempts: entries.map(({ id, attempt }) => ({ id, attempt })),
    turns: turns.map(({ id }) => id),
    approvals: approvals.map(({ number, head, course }) => ({ number, head, course })),
    questions: questions.map(({ id, number }) => ({ id, number })),
    agents: agents.map(({ name, deployment, runningTree }) => ({ name, deployment, runningTree })),
  };
}

async function repoInventory(hive: Hive, repo: string) {
  const admin = hive.as("hive-admin");
  const list = async (type: string) =>
    Threads.parse(await admin.call("GET", `/repos/${repo}/issues?type=${type}&state=all&limit=50`));
  const tags = Tags.parse(await admin.call("GET", `/repos/${repo}/tags?limit=50`));
  return { repo, issues: await list("issues"), pulls: await list("pulls"), tags };
}

/** Files of the hive that hold the token of one of its users, but for where it is kept. */
export function filesWithTokens(hive: Hive): string[] {
  const tokens = Object.values(tokensOf(hive)).map((token) => token.trim());
  return readdirSync(hive.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(hive.home, "hived/secrets/")))
    .filter((path) => {
      const text = readFileSync(path, "latin1");
      return tokens.some((token) => text.includes(token));
    });
}

function tokensOf(hive: Hive): Record<string, string> {
  const directory = join(hive.home, "hived/secrets/tokens");
  return Object.fromEntries(readdirSync(directory).map((user) => [user, readFileSync(join(directory, user), "utf8")]));
}
