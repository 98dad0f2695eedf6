/** What a process that holds no privilege cannot do: tried at its start, so that nobody has to take our word for it. */
import { accessSync, closeSync, openSync, readdirSync, readFileSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type Probes = {
  /** hived's socket for the operator's commands */
  adminSocket: string;
  /** addresses on this machine that must be out of reach, our own listener's among them: it surely answers */
  urls: readonly string[];
  /** directories that must be out of sight, by what is in them */
  directories: Readonly<Record<string, string>>;
};

/** What this process could do although it should not, one phrase each; empty when it is isolated. */
export async function findOpenings({ adminSocket, urls, directories }: Probes): Promise<string[]> {
  const connections = await Promise.all(urls.map(canConnect));
  return [
    ...(can(() => accessSync(dirname(adminSocket))) ? ["see the admin socket"] : []),
    ...Object.entries(directories).flatMap(([what, path]) => (can(() => readdirSync(path)) ? [`read ${what}`] : [])),
    ...(can(() => readFileSync("/etc/passwd")) ? ["read files of this machine"] : []),
    ...(can(writeSomewhere) ? ["write files"] : []),
    ...(connections.includes(true) ? ["open network connections"] : []),
  ];
}

function can(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return false;
  }
}

function writeSomewhere(): void {
  const path = join(tmpdir(), `hive-web-probe-${process.pid}`);
  closeSync(openSync(path, "wx"));
  unlinkSync(path);
}

function canConnect(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) || (protocol === "https:" ? 443 : 80), timeout: 1_000 });
  return new Promise((resolve) => {
    const settle = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => settle(true));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
  });
}
