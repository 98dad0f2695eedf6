/** `node mcp.ts <socket>`: `hive mcp` without the rest of the command, as it is started once for each agent. */
import { mcp } from "./commands/mcp.ts";
import { exitCodes } from "./exit-codes.ts";

const [socketPath] = process.argv.slice(2);
if (socketPath === undefined) {
  process.stderr.write("Usage: node mcp.ts SOCKET\n");
  process.exit(exitCodes.usage);
}
await mcp(socketPath);
