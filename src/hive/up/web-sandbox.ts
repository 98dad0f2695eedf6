/**
 * Where hive-web runs: in bubblewrap, with an empty network, no files but its own program, and of our sockets only its own.
 * The listener and the lifeline are inherited through it.
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

export type WebSandbox = {
  /** Wraps the argv of hive-web; as it is, when there is no sandbox. */
  wrap(argv: readonly string[]): string[];
  /** why there is none; null when there is one */
  missing: string | null;
};

type Places = {
  node: string;
  program: string;
  assets: string;
  socketDirectory: string;
  /** compiled modules, to read */
  compiled: string;
};

/** Finds out, by running it, whether bubblewrap can isolate hive-web on this machine. */
export function openWebSandbox(places: Places): WebSandbox {
  const bubblewrap = findOnPath("bwrap");
  if (!bubblewrap) return { wrap: (argv) => [...argv], missing: "bubblewrap (bwrap) is not installed" };
  const prefix = [bubblewrap, ...sandboxOptions(places), "--"];
  const { status, stderr, error } = spawnSync(prefix[0] ?? "", [...prefix.slice(1), places.node, "--version"], {
    env: {},
    encoding: "utf8",
    timeout: 10_000,
  });
  if (status === 0) return { wrap: (argv) => [...prefix, ...argv], missing: null };
  const why = error?.message ?? stderr.trim().split("\n").at(-1) ?? `exit code ${status}`;
  return { wrap: (argv) => [...argv], missing: `bubblewrap does not work here (${why})` };
}

/** Everything but the program's argv; compared whole in a test. */
export function sandboxOptions({ node, program, assets, socketDirectory, compiled }: Places): string[] {
  const readable = [
    node,
    ...["package.json", "node_modules", "src/contract", "src/rpc", "src/daemon", "src/hive-web"].map((path) =>
      join(program, path),
    ),
    assets,
    compiled,
    socketDirectory, // the directory: a socket file that is mounted dies with the daemon behind it
  ];
  return [
    ...["--unshare-user", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ...["--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "hive-web"],
    ...libraryOptions(),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...readable.flatMap((path) => ["--ro-bind", path, path]),
    ...["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"],
  ];
}

/** The shared libraries that Node is linked with. Where /lib is a link (merged /usr), so it is inside. */
function libraryOptions(): string[] {
  const real = ["/usr/lib", "/usr/lib64", "/usr/lib32", "/nix/store"].filter((path) => existsSync(path));
  const linked = ["/lib", "/lib64", "/lib32"].filter((path) => existsSync(path));
  return [
    ...real.flatMap((path) => ["--ro-bind", path, path]),
    ...linked.flatMap((path) =>
      lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path],
    ),
    ...["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
  ];
}

/** The path of a command; undefined when PATH has none. */
export function findOnPath(command: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "")
    .map((directory) => join(directory, command))
    .find((path) => existsSync(path) && dirname(path) !== command);
}
