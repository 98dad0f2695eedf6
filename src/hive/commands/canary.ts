/** `hive canary`: whether agents' loops wake up, and how long each part of the way takes. */
import { type Canary, Hop } from "../../contract/canary.ts";
import type { AgentName } from "../../contract/names.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

type Sent = { agent: AgentName; canary: Canary };

/** Sends canaries and waits for them. @throws Refusal `not_running`, `bad_name`, or as hived says it */
export async function canary(agent: string | undefined, options: { home?: string; json?: boolean }): Promise<number> {
  const asked = agent === undefined ? null : parseAgent(agent);
  return withHived(options, async (hived) => {
    const { canaries } = await hived.sendCanary({ agent: asked });
    process.stdout.write(options.json ? `${JSON.stringify({ canaries }, null, 2)}\n` : canariesText(canaries));
    return canaries.every(({ canary: { state } }) => state === "well") ? exitCodes.ok : exitCodes.unwell;
  });
}

/** How long each hop took, in milliseconds; the last column from acceptance to the end. */
export function canariesText(sent: readonly Sent[]): string {
  if (sent.length === 0) return "No agent is up and out of a turn: there is no loop to try.\n";
  const rows = sent.map(({ agent, canary: { state, hops, problem } }) => {
    let before = 0;
    const took = Hop.options.map((hop) => {
      const at = hops[hop];
      if (at === undefined) return "";
      const ms = at - before;
      before = at;
      return ms.toFixed(1);
    });
    return [agent, state, ...took, hops.handled?.toFixed(1) ?? "", problem ?? ""];
  });
  return `${columns([["agent", "canary", ...Hop.options, "in all", ""], ...rows]).join("\n")}\n\nMilliseconds; no turn is spent on a canary.\n`;
}
