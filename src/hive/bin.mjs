#!/usr/bin/env node
/**
 * The `hive` command: finds a Node that runs TypeScript as it stands (the project's own, where `npm install` brought it)
 * and becomes it. Plain JavaScript for any Node from 20.19, so that an older machine gets a sentence and no syntax error.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../..", import.meta.url));
const projectNode = `${program}node_modules/node/bin/node`;
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

// Other programs of ours hold a lifeline at descriptor 3; this one gives its own, so that a killed parent ends it too.
const child = spawn(
  nodeToUse(),
  ["--disable-warning=ExperimentalWarning", `${program}src/hive/main.ts`, ...process.argv.slice(2)],
  { stdio: ["inherit", "inherit", "inherit", "pipe"], env: { ...process.env, HIVE_LIFELINE: "1" } },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => refuse(`Node could not be started: ${error.message}`, "Run `npm install` once more."));
child.on("exit", (code, signal) => {
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
