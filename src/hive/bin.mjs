#!/usr/bin/env node
/**
 * The `hive` command: finds a Node that runs TypeScript as it stands (the project's own, where `npm install` brought it)
 * and becomes it. Plain JavaScript for any Node from 20.19, so that an older machine gets a sentence and no syntax error.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../..", import.meta.url));
const projectNode = `${program}node_modules/node-${process.platform}-${process.arch}/bin/node`;
const refused = 78;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const isAtLeast = (wantedMajor, wantedMinor) => major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

function refuse(sentence, next) {
  process.stderr.write(`hive: ${sentence}\n      ${next}\n`);
  process.exit(refused);
}

function nodeToUse() {
  if (!isAtLeast(20, 19))
    refuse(
      `Node ${process.versions.node} is too old.`,
      "Install Node 20.19 or later, run `npm install`, and start again.",
    );
  if (existsSync(projectNode)) return projectNode;
  if (import.meta.dirname.includes("/node_modules/") || existsSync(`${program}node_modules/fastify`)) {
    if (isAtLeast(22, 19)) return process.execPath;
    refuse(
      `Node ${process.versions.node} is too old to run without the project's own Node.`,
      "Install Node 22.19 or later.",
    );
  }
  return refuse("The packages are not installed.", `Run \`npm install\` in ${program} first.`);
}

/** @param {{ argv: string[], env: Record<string, string>, cwd?: string, uid?: number, gid?: number }} start */
function run({ argv: [node, ...parameters], env, ...options }) {
  // Other programs of ours hold a lifeline at descriptor 3; this one gives its own, so that a killed parent ends it too.
  // Started by root, the first one only prepares, and says at descriptor 4 what an unprivileged user is to run.
  const mayHandOver = process.getuid?.() === 0 && options.uid === undefined;
  const child = spawn(node, parameters, {
    ...options,
    stdio: ["inherit", "inherit", "inherit", "pipe", ...(mayHandOver ? ["pipe"] : [])],
    env: { ...env, HIVE_LIFELINE: "1", ...(mayHandOver ? { HIVE_HAND_OVER: "4" } : {}) },
  });
  let next = "";
  child.stdio[4]?.on("data", (chunk) => {
    next += chunk;
  });
  const pass = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  child.on("error", (error) => refuse(`Node could not be started: ${error.message}`, "Run `npm install` once more."));
  child.on("close", (code, signal) => {
    for (const passed of signals) process.off(passed, pass);
    if (signal !== null) process.kill(process.pid, signal);
    else if (next === "") process.exit(code);
    else run(JSON.parse(next));
  });
  child.on("exit", () => child.stdio[3].destroy());
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
const main = `${program}src/hive/main.ts`;
run({
  argv: [nodeToUse(), "--disable-warning=ExperimentalWarning", main, ...process.argv.slice(2)],
  env: {
    ...process.env,
    // ours alone, whatever other programs have: agents can read it
    NODE_COMPILE_CACHE: join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "hyperhive/compiled"),
  },
});
