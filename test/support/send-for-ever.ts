/** A child of a test: sends to alice from many callers at once, and prints each id as soon as it was answered. */
import { send } from "../../src/hived/broker/send.ts";
import { addIdleAgent, openCore } from "./open-core.ts";

const core = openCore(process.argv[2]);
await addIdleAgent(core, "alice");
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (;;) {
      const { id } = await send(core, { from: "operator", to: "alice", body: "hello" });
      process.stdout.write(`${id}\n`);
    }
  }),
);
