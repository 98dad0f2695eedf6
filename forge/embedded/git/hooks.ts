/**
 * Git's hooks, and our side of them. They are a few lines of sh that pass everything to the process that started git, over
 * descriptors that git inherited from it: 3 for pre-receive and post-receive, 4 for proc-receive. Who pushes where is
 * known by the channel itself, so there is no token or socket to steal. Without its server a hook refuses the push.
 */
import type { Duplex } from "node:stream";
import { FLUSH, packet, takePacket } from "./pkt-line.ts";

/** Sends name, environment and input, each ended by NULs, which none of them can hold; then obeys: m = say, x0 = allow. */
const ASKING = `#!/bin/sh
{ printf '%s\\0' "\${0##*/}"; env -0; printf '\\0'; cat; printf '\\0'; } >&3 || exit 1
while IFS= read -r line <&3; do
  case $line in m*) printf '%s\\n' "\${line#m}" >&2;; x0) exit 0;; *) exit 1;; esac
done
exit 1
`;
/** The server speaks git's protocol itself. Whoever holds stdout or stderr keeps git waiting, hence exec and /dev/null. */
const PASSING = `#!/bin/sh
cat <&4 2>/dev/null &
exec cat >&4 2>/dev/null
`;

/** By file name, for the folder of core.hooksPath. */
export const HOOKS = { "pre-receive": ASKING, "post-receive": ASKING, "proc-receive": PASSING };

export interface HookCall {
  name: string;
  env: Record<string, string>;
  /** `before after ref`, one per line, as git gave them: not yet checked in pre-receive. */
  lines: string[];
}
export interface HookAnswer {
  isAllowed: boolean;
  /** Each becomes a "remote:" line of the client; without control characters. */
  say: string[];
}

const MAX_CALL_BYTES = 64 * 1024 * 1024;

/** Answers pre-receive and post-receive of one push, one after the other. A channel that breaks refuses the push. */
export function answerHooks(channel: Duplex, answer: (call: HookCall) => Promise<HookAnswer>): void {
  let bytes = Buffer.alloc(0);
  channel.on("error", () => channel.destroy());
  channel.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.length > MAX_CALL_BYTES) {
      channel.destroy();
      return;
    }
    const call = wholeCall(bytes);
    if (!call) return;
    bytes = Buffer.alloc(0);
    answer(call).then(
      ({ isAllowed, say }) => channel.write(`${say.map((line) => `m${line}\n`).join("")}${isAllowed ? "x0" : "x1"}\n`),
      () => channel.destroy(),
    );
  });
}

function wholeCall(bytes: Buffer): HookCall | undefined {
  const middle = bytes.indexOf("\0\0");
  const end = middle < 0 ? -1 : bytes.indexOf(0, middle + 2);
  if (end < 0) return undefined;
  const [name = "", ...variables] = bytes.toString("utf8", 0, middle).split("\0");
  const env: Record<string, string> = {};
  for (const variable of variables) {
    const equals = variable.indexOf("=");
    env[variable.slice(0, equals)] = variable.slice(equals + 1);
  }
  const lines = bytes.toString("utf8", middle + 2, end).split("\n");
  return { name, env, lines: lines.filter((line) => line !== "") };
}

/**
 * Answers proc-receive: version, commands, push options (which pre-receive has had already), then our report per ref.
 * @param report makes the lines of the report out of `before after ref` lines
 */
export function answerProcReceive(channel: Duplex, report: (lines: string[]) => Promise<string[]>): void {
  let bytes: Buffer = Buffer.alloc(0);
  let section: "version" | "commands" | "options" | "done" = "version";
  const commands: string[] = [];
  channel.on("error", () => channel.destroy());
  const endSection = () => {
    if (section === "version") {
      section = "commands";
      channel.write(Buffer.concat([packet("version=1\0push-options atomic"), FLUSH]));
    } else if (section === "commands") {
      section = "options";
    } else if (section === "options") {
      section = "done";
      // half-closed, or the hook's background cat would never end
      report(commands).then(
        (lines) => channel.end(Buffer.concat([...lines.map(packet), FLUSH])),
        () => channel.destroy(),
      );
    }
  };
  channel.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    try {
      for (let found = takePacket(bytes); found; found = takePacket(bytes)) {
        bytes = found.rest;
        if (found.text === undefined) endSection();
        else if (section === "commands") commands.push(found.text.replace(/\n$/, ""));
        else if (section === "version" && !found.text.startsWith("version=1")) throw new Error("unknown version");
      }
    } catch {
      channel.destroy(); // git then refuses the push
    }
  });
}
