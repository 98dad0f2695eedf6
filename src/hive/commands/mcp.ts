/**
 * An MCP server on stdio for a coding agent, which runs inside its sandbox. Each message of the client becomes one POST
 * to hived, at the launch's own socket; the answer goes to stdout.
 *
 * It outlives hived: a message that was not sent yet waits for hived to be back, one whose repetition is harmless is sent
 * again, and of any other whose answer was lost the client hears that it may have been carried out.
 */
import { createInterface } from "node:readline";
import { openBridge } from "../bridge/bridge.ts";

/** Serves until the client closes its end and everything is answered. */
export async function mcp(socketPath: string): Promise<void> {
  const bridge = openBridge(socketPath, (message) => process.stdout.write(`${JSON.stringify(message)}\n`));
  process.stdout.on("error", () => process.exit(0)); // the client is gone
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() !== "") bridge.take(line);
  }
  await bridge.idle();
}
