/** A webhook's receiver on a free loopback port; deliveries are waited for, one after the other. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Delivery {
  headers: IncomingHttpHeaders;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests read fields of bodies of every kind
  body: any;
}

export class HookReceiver implements AsyncDisposable {
  private readonly server: Server;
  private readonly arrived: Delivery[] = [];
  private readonly waiting: ((delivery: Delivery) => void)[] = [];
  /** What the next deliveries are answered. */
  status = 200;
  /** Deliveries are taken but not answered. */
  isSilent = false;

  constructor(server: Server) {
    this.server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  /** The oldest delivery that was not taken yet, or the next one. */
  next(): Promise<Delivery> {
    const delivery = this.arrived.shift();
    if (delivery) return Promise.resolve(delivery);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** The next delivery of this fine event name; the others before it are dropped. */
  async nextOf(type: string): Promise<Delivery> {
    const delivery = await this.next();
    return delivery.headers["x-gitea-event-type"] === type ? delivery : this.nextOf(type);
  }

  /** Breaks off what is not answered. */
  hangUp = (): void => this.server.closeAllConnections();

  receive(delivery: Delivery): void {
    const waiter = this.waiting.shift();
    if (waiter) waiter(delivery);
    else this.arrived.push(delivery);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export async function startHookReceiver(): Promise<HookReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const json =
        request.headers["content-type"] === "application/json" ? text : new URLSearchParams(text).get("payload");
      if (!receiver.isSilent) response.writeHead(receiver.status).end();
      receiver.receive({ headers: request.headers, text, body: JSON.parse(json ?? "null") });
    });
  });
  const receiver = new HookReceiver(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return receiver;
}
