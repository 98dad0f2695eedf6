/**
 * The peer: Redis streams with its log synced at each write. Spoken to in its own protocol (RESP2), written at once for all
 * calls of a tick, so that no client's cost counts against it.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type Peer, untilThere } from "./peers.ts";

type Reply = string | number | null | Error | Reply[];

/** Reads the reply that begins at `from`; undefined while it is not whole. */
function readReply(text: string, from: number): { reply: Reply; end: number } | undefined {
  const line = text.indexOf("\r\n", from);
  if (line < 0) return undefined;
  const head = text.slice(from + 1, line);
  const after = line + 2;
  const count = Number(head);
  switch (text[from]) {
    case "+":
      return { reply: head, end: after };
    case "-":
      return { reply: new Error(head), end: after };
    case ":":
      return { reply: count, end: after };
    case "$":
      if (count < 0) return { reply: null, end: after };
      return text.length < after + count + 2
        ? undefined
        : { reply: text.slice(after, after + count), end: after + count + 2 };
    case "*": {
      if (count < 0) return { reply: null, end: after };
      const replies: Reply[] = [];
      let end = after;
      for (let item = 0; item < count; item += 1) {
        const read = readReply(text, end);
        if (!read) return undefined;
        replies.push(read.reply);
        end = read.end;
      }
      return { reply: replies, end };
    }
    default:
      throw new Error(`no reply of Redis begins with ${JSON.stringify(text.slice(from, from + 20))}`);
  }
}

type Connection = { call(...words: string[]): Promise<Reply>; close(): void };

async function connectTo(path: string): Promise<Connection> {
  const socket: Socket = connect(path);
  socket.setEncoding("latin1"); // its lengths are in bytes
  await once(socket, "connect");
  const waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
    let end = 0;
    for (let read = readReply(text, 0); read; read = readReply(text, end)) {
      end = read.end;
      const asked = waiting.shift();
      if (read.reply instanceof Error) asked?.reject(read.reply);
      else asked?.resolve(read.reply);
    }
    text = text.slice(end);
  });
  return {
    call(...words) {
      if (socket.writableCorked === 0) {
        socket.cork();
        setImmediate(() => socket.uncork());
      }
      socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`, "latin1");
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    close: () => socket.destroy(),
  };
}

export const redis: Peer = {
  name: "Redis streams, AOF always",
  goal: { atLeast: 1 },
  install: "redis-server on the PATH",
  isInstalled: () => spawnSync("redis-server", ["--version"]).status === 0,
  async open(directory, body) {
    const path = join(directory, "redis.sock");
    const settings = `--port 0 --unixsocket ${path} --dir ${directory} --appendonly yes --appendfsync always`;
    const server = spawn("redis-server", [...settings.split(" "), "--save", ""], { stdio: "ignore" });
    const [adder, reader, acker] = await untilThere(() =>
      Promise.all([connectTo(path), connectTo(path), connectTo(path)]),
    );
    await adder.call("XGROUP", "CREATE", "mail", "group", "$", "MKSTREAM");
    const waiting = new Map<string, () => void>();
    let isOpen = true;
    const consume = async () => {
      while (isOpen) {
        const words = "XREADGROUP GROUP group one COUNT 128 BLOCK 0 STREAMS mail >".split(" ");
        const [stream] = (await reader.call(...words)) as [[string, [string, string[]][]]];
        for (const [id, [, place = ""]] of stream[1])
          void acker.call("XACK", "mail", "group", id).then(() => waiting.get(place)?.());
      }
    };
    void consume();
    return {
      async cycle(place) {
        const over = new Promise<void>((resolve) => waiting.set(String(place), resolve));
        await adder.call("XADD", "mail", "*", "place", String(place), "body", body);
        await over;
      },
      async close() {
        isOpen = false;
        for (const connection of [adder, reader, acker]) connection.close();
        server.kill("SIGKILL");
        await once(server, "close");
      },
    };
  },
};
