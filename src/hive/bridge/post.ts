/** One POST over a connection of its own, which tells apart what was never sent from what may have arrived. */
import { request } from "node:http";
import { text } from "node:stream/consumers";

export type Posted =
  | { kind: "answered"; status: number; body: string }
  /** nobody listened: nothing has happened */
  | { kind: "not sent" }
  /** the connection broke before the answer: it may have been carried out */
  | { kind: "lost" };

/** A connection is never reused: an old one could be dead already, and then nobody knows what was sent. */
export function post(socketPath: string, path: string, body: string): Promise<Posted> {
  return new Promise((resolve) => {
    let isConnected = false;
    const asked = request({
      socketPath,
      path,
      method: "POST",
      agent: false,
      headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
    });
    asked.on("socket", (socket) => socket.on("connect", () => (isConnected = true)));
    asked.on("error", () => resolve({ kind: isConnected ? "lost" : "not sent" }));
    asked.on("response", (response) => {
      text(response).then(
        (answer) => resolve({ kind: "answered", status: response.statusCode ?? 0, body: answer }),
        () => resolve({ kind: "lost" }),
      );
    });
    asked.end(body);
  });
}
