/**
 * The peer: NATS JetStream, syncing at each write. Spoken to in its own protocol, written at once for all calls of a tick, so
 * that no client's cost counts against it.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import type { Peer } from "./peers.ts";
import { untilThere } from "./peers.ts";

type Delivered = { subject: string; replyTo: string | undefined; payload: string };

async function connectTo(port: number) {
  const socket = connect(port, "127.0.0.1");
  socket.setEncoding("latin1"); // its lengths are in bytes
  await once(socket, "connect");
  const inbox = `_INBOX.${Math.random().toString(36).slice(2)}`;
  const waiting = new Map<string, (payload: string) => void>();
  const subscribed = new Map<string, (message: Delivered) => void>();
  let last = 0;
  const write = (text: string) => {
    if (socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    socket.write(text, "latin1");
  };
  const take = (message: Delivered, subscription: string) => {
    waiting.get(message.subject)?.(message.payload);
    waiting.delete(message.subject);
    subscribed.get(subscription)?.(message);
  };
  let text = "";
  socket.on("data", (chunk: string) => {
    text += chunk;
    let from = 0;
    for (let end = text.indexOf("\r\n", from); end >= 0; end = text.indexOf("\r\n", from)) {
      const [verb = "", ...words] = text.slice(from, end).split(" ");
      if (verb === "PING") write("PONG\r\n");
      if (verb === "-ERR") throw new Error(`NATS says ${words.join(" ")}`);
      if (verb !== "MSG") {
        from = end + 2;
        continue;
      }
      const length = Number(words.at(-1));
      if (text.length < end + 2 + length + 2) break;
      const payload = text.slice(end + 2, end + 2 + length);
      take({ subject: words[0] ?? "", replyTo: words.length === 4 ? words[2] : undefined, payload }, words[1] ?? "");
      from = end + 2 + length + 2;
    }
    text = text.slice(from);
  });
  write(`CONNECT {"verbose":false,"pedantic":false}\r\nSUB ${inbox}.* inbox\r\n`);
  return {
    /** Publishes, and resolves with the answer. */
    ask(subject: string, payload: string): Promise<string> {
      last += 1;
      const replyTo = `${inbox}.${last}`;
      write(`PUB ${subject} ${replyTo} ${payload.length}\r\n${payload}\r\n`);
      return new Promise((resolve) => waiting.set(replyTo, resolve));
    },
    subscribe(subject: string, onMessage: (message: Delivered) => void) {
      subscribed.set(subject, onMessage);
      write(`SUB ${subject} ${subject}\r\n`);
    },
    close: () => socket.destroy(),
  };
}

export const nats: Peer = {
  name: "NATS JetStream, sync always",
  goal: { atLeast: 10 },
  install: "nats-server on the PATH",
  isInstalled: () => spawnSync("nats-server", ["--version"]).status === 0,
  async open(directory, body) {
    const port = await freePort();
    const config = join(directory, "nats.conf");
    const store = join(directory, "nats");
    writeFileSync(config, `listen: 127.0.0.1:${port}\njetstream { store_dir: "${store}"\n sync_interval: always }\n`);
    const server = spawn("nats-server", ["-c", config], { stdio: "ignore" });
    const [sender, receiver] = await untilThere(() => Promise.all([connectTo(port), connectTo(port)]));
    const call = async (subject: string, request: unknown) => {
      const answer = await sender.ask(`$JS.API.${subject}`, JSON.stringify(request));
      if (answer.includes('"error"')) throw new Error(`NATS refused ${subject}: ${answer}`);
    };
    await call("STREAM.CREATE.mail", { name: "mail", subjects: ["mail.>"], storage: "file", retention: "workqueue" });
    const waiting = new Map<string, () => void>();
    receiver.subscribe("deliver", ({ payload, replyTo }) => {
      const [place = ""] = payload.split(" ", 1);
      if (replyTo) void receiver.ask(replyTo, "+ACK").then(() => waiting.get(place)?.());
    });
    const consumer = {
      durable_name: "one",
      deliver_subject: "deliver",
      ack_policy: "explicit",
      max_ack_pending: 5_000,
    };
    await call("CONSUMER.DURABLE.CREATE.mail.one", { stream_name: "mail", config: consumer });
    return {
      async cycle(place) {
        const over = new Promise<void>((resolve) => waiting.set(String(place), resolve));
        await sender.ask(`mail.${place}`, `${place} ${body}`);
        await over;
      },
      async close() {
        sender.close();
        receiver.close();
        server.kill("SIGKILL");
        await once(server, "close");
      },
    };
  },
};
