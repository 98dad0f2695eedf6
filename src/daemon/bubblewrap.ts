/** The arguments of bubblewrap: what every sandbox of ours has in common. Nothing of the host is in it but what is named. */

export type Mount =
  /** read and write: the same directory inside and outside */
  | { kind: "writable" | "readable"; from: string; at: string }
  /** left out when the host has no such path */
  | { kind: "readable if there"; from: string; at: string }
  | { kind: "link"; to: string; at: string };

export type Sandbox = {
  hostname: string;
  /** shared: the host's network; none: a loopback of its own and nothing else */
  network: "shared" | "none";
  /** programs: what the host has installed, and a /tmp to write; libraries: what Node is linked with, and nothing to write */
  system: "programs" | "libraries";
  /** the whole environment inside */
  env: Record<string, string>;
  cwd: string;
  /** in this order, on top of the system's programs and libraries */
  mounts: readonly Mount[];
};

/** The one user inside, whoever it is outside. */
export const sandboxUser = 1000;
const tmpBytes = 512 * 1024 * 1024;

/** Programs, libraries and certificates; `/bin` and its like are links on some systems and directories on others. */
const programs =
  "/usr /bin /sbin /lib /lib64 /nix/store /etc/ssl /etc/ca-certificates /etc/pki /etc/alternatives /etc/ld.so.cache";
const libraries = "/usr/lib /usr/lib64 /usr/lib32 /lib /lib64 /lib32 /nix/store /etc/ld.so.cache";
const names = "/etc/hosts /etc/resolv.conf /etc/nsswitch.conf /etc/services";

/**
 * Wraps an argv so that it runs in a sandbox: own mounts, processes, host name, no capability, no further user namespace,
 * ended together with its parent.
 *
 * To be spawned with an EMPTY environment: bubblewrap's own is readable inside as /proc/1/environ, whatever `--clearenv`
 * says (measured with 0.8.0). It hands on every open descriptor; Node's are closed on exec, but for stdio.
 */
export function sandboxed(sandbox: Sandbox, argv: readonly string[]): string[] {
  const { hostname, network, system, env, cwd, mounts } = sandbox;
  const isBare = system === "libraries";
  return [
    "bwrap",
    ..."--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --disable-userns".split(" "),
    ...(network === "none" ? ["--unshare-net"] : []),
    ...["--uid", String(sandboxUser), "--gid", String(sandboxUser), "--hostname", hostname],
    ..."--die-with-parent --new-session --cap-drop ALL --clearenv".split(" "),
    ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]),
    ...["--proc", "/proc", "--dev", "/dev"],
    ...(isBare ? [] : ["--size", String(tmpBytes), "--tmpfs", "/tmp"]),
    ...readableIfThere(isBare ? libraries : programs).flatMap(argumentsOf),
    ...(network === "shared" ? readableIfThere(names).flatMap(argumentsOf) : []),
    ...mounts.flatMap(argumentsOf),
    ...(isBare ? ["--remount-ro", "/dev"] : []),
    ...["--remount-ro", "/", "--chdir", cwd, "--"],
    ...argv,
  ];
}

/** Compiled modules of ours, to read; they are nowhere when it is undefined, and nothing needs them. */
export const compiledMounts = (directory: string | undefined): Mount[] =>
  directory === undefined ? [] : [{ kind: "readable if there", from: directory, at: directory }];

const readableIfThere = (paths: string): Mount[] =>
  paths.split(" ").map((path) => ({ kind: "readable if there", from: path, at: path }));

function argumentsOf(mount: Mount): string[] {
  switch (mount.kind) {
    case "writable":
      return ["--bind", mount.from, mount.at];
    case "readable":
      return ["--ro-bind", mount.from, mount.at];
    case "readable if there":
      return ["--ro-bind-try", mount.from, mount.at];
    case "link":
      return ["--symlink", mount.to, mount.at];
  }
}
