/** `hive token create`, `list` and `revoke`: tokens of MCP clients outside of a sandbox. */
import type { McpToken } from "../../contract/mcp-token.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { timeText } from "../line.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

type Home = { home?: string };

/** @throws Refusal `not_running`, `bad_name`, or as hived says it */
export const tokenCreate = ({ mcp, ...home }: Home & { mcp: string }): Promise<number> =>
  withHived(home, async (hived) => {
    const agent = parseAgent(mcp);
    const { id, token, url } = await hived.createMcpToken({ agent });
    process.stderr.write(
      `Token ${id} lets an MCP client be ${agent} at ${url}. It is shown this once: keep it where nobody else reads.\n`,
    );
    process.stdout.write(`${token}\n`);
    return exitCodes.ok;
  });

export const tokenList = ({ json, ...home }: Home & { json?: boolean }): Promise<number> =>
  withHived(home, async (hived) => {
    const { tokens } = await hived.readMcpTokens({});
    process.stdout.write(json ? `${JSON.stringify({ tokens }, null, 2)}\n` : tokensText(tokens));
    return exitCodes.ok;
  });

export function tokensText(tokens: readonly McpToken[]): string {
  if (tokens.length === 0) return "No MCP client has a token. `hive token create --mcp AGENT` makes one.\n";
  const rows = tokens.map(({ id, agent, createdAt, lastUsedAt }) => [
    String(id),
    agent,
    timeText(createdAt),
    lastUsedAt === null ? "never" : timeText(lastUsedAt),
  ]);
  return `${columns([["token", "agent", "made", "last used"], ...rows]).join("\n")}\n`;
}

/** @throws Refusal as hived says it, when there is none of that number */
export const tokenRevoke = (id: number, home: Home): Promise<number> =>
  withHived(home, async (hived) => {
    await hived.revokeMcpToken({ id });
    process.stdout.write(`Token ${id} is of no use any more.\n`);
    return exitCodes.ok;
  });
