import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

/** Prints what an agent is told, and nothing else. @throws Refusal `not_running`, `bad_name`, or as hived says it */
export async function agentPrompt(name: string, options: { home?: string }): Promise<number> {
  const agent = parseAgent(name);
  return withHived(options, async (hived) => {
    process.stdout.write((await hived.readAgentPrompt({ agent })).text);
    return exitCodes.ok;
  });
}
