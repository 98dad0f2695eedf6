/** `hive agent doctor`: whether an agent has all that it needs, and what to do where it has not. */
import type { Examination, Finding } from "../../contract/examination.ts";
import { columns } from "../columns.ts";
import { exitCodes } from "../exit-codes.ts";
import { oneLine } from "../line.ts";
import { withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

/** @throws Refusal `not_running`, `bad_name`, or as hived says it */
export async function agentDoctor(name: string, options: { home?: string; json?: boolean }): Promise<number> {
  const agent = parseAgent(name);
  return withHived(options, async (hived) => {
    const examination = await hived.examineAgent({ agent });
    process.stdout.write(options.json ? `${JSON.stringify(examination, null, 2)}\n` : examinationText(examination));
    return examination.findings.some(({ state }) => state === "failed") ? exitCodes.unwell : exitCodes.ok;
  });
}

export function examinationText({ agent, codingAgent, runtime, findings }: Examination): string {
  const rows = findings.flatMap((finding) => [
    [finding.what, shown[finding.state], oneLine(finding.found, 500)],
    ...(finding.next === null ? [] : [["", "", oneLine(finding.next, 500)]]),
  ]);
  return `${agent}: ${codingAgent}, run by ${runtime}\n\n${columns(rows).join("\n")}\n`;
}

const shown: Record<Finding["state"], string> = { well: "well", failed: "FAILED", unknown: "unknown" };
