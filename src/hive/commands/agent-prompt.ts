import { exitCodes } from "../exit-codes.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

/**
 * Prints what an agent is told, and nothing else; on stderr, how that comes to it, and what its coding agent adds of ours.
 * @throws Refusal `not_running`, `bad_name`, or as hived says it
 */
export async function agentPrompt(name: string, options: { home?: string }): Promise<number> {
  const agent = parseAgent(name);
  return withHived(options, async (hived) => {
    const { text, way, skills } = await hived.readAgentPrompt({ agent });
    process.stdout.write(text);
    const listed = skills.map((skill) => `\n- ${skill.name} (${skill.file}): ${skill.description}`);
    process.stderr.write(
      `\nGiven ${way}.${listed.length > 0 ? " Besides, its coding agent lists:" : ""}${listed.join("")}\n`,
    );
    return exitCodes.ok;
  });
}
