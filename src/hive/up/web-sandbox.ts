/**
 * Where hive-web runs: in bubblewrap, with an empty network, no files but its own program, and of our sockets only its own.
 * The listener and the lifeline are inherited through it.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { compiledMounts, type Mount, sandboxed } from "../../daemon/bubblewrap.ts";
import { lifelineEnvironment } from "../../daemon/stop.ts";
import type { Command } from "./child.ts";

export type WebSandbox = {
  /** Wraps hive-web; as it is, when there is no sandbox. */
  wrap(command: WebCommand): WebCommand;
  /** why there is none; null when there is one */
  missing: string | null;
};

type WebCommand = Pick<Command, "argv" | "env">;

type Places = {
  node: string;
  program: string;
  assets: string;
  socketDirectory: string;
};

/** Finds out, by running it, whether bubblewrap can isolate hive-web on this machine. */
export function openWebSandbox(places: Places): WebSandbox {
  const missing = missingFor(places);
  return { wrap: (command) => (missing === null ? inSandbox(places, command) : command), missing };
}

function missingFor(places: Places): string | null {
  if (!findOnPath("bwrap")) return "bubblewrap (bwrap) is not installed";
  const { argv, env } = inSandbox(places, { argv: [places.node, "--version"], env: {} });
  const [program = "", ...parameters] = argv;
  const { status, stderr, error } = spawnSync(program, parameters, { env, encoding: "utf8", timeout: 10_000 });
  if (status === 0) return null;
  const why = error?.message ?? stderr.trim().split("\n").at(-1) ?? `exit code ${status}`;
  return `bubblewrap does not work here (${why})`;
}

/** The command as it is spawned: outside of the sandbox there is nothing in its environment. Compared whole in a test. */
export function inSandbox(places: Places, { argv, env }: WebCommand): WebCommand {
  const { node, program, assets, socketDirectory } = places;
  const ours = ["package.json", "node_modules", "src/contract", "src/rpc", "src/daemon", "src/hive-web"];
  const readable = [
    ...[node, ...ours.map((path) => join(program, path)), assets],
    socketDirectory, // the directory: a socket file that is mounted dies with the daemon behind it
  ];
  const [bubblewrap = "", ...options] = sandboxed(
    {
      hostname: "hive-web",
      network: "none",
      system: "libraries",
      env: { ...env, ...lifelineEnvironment },
      cwd: "/",
      mounts: [
        ...readable.map((path): Mount => ({ kind: "readable", from: path, at: path })),
        ...compiledMounts(env["NODE_COMPILE_CACHE"]),
      ],
    },
    argv,
  );
  return { argv: [findOnPath(bubblewrap) ?? bubblewrap, ...options], env: {} };
}

/** The path of a command; undefined when PATH has none. */
export function findOnPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, command))
    .find((path) => existsSync(path) && dirname(path) !== command);
}
