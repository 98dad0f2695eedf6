/** What the coordinator writes under a pull request, and how it finds again what it wrote. */
import type { ObjectId } from "../../contract/names.ts";
import type { Verdict } from "./validate.ts";

/** Stands invisibly in the one comment of a pull request that tells of its head, and is edited with each new one. */
export const verdictMarker = "<!-- hive:validate ";

/** The comment on a head: what would be allowed, or what is wrong. */
export function verdictComment(head: ObjectId, verdict: Verdict): string {
  const said = verdict.problems.length > 0 ? problems(verdict) : permissions(verdict);
  return `${said}\n\nThis is about ${head}.\n\n${verdictMarker}-->\n`;
}

const problems = ({ problems }: Verdict) =>
  `**This can't be acted on yet.** To be mended first:\n\n${problems.map((problem) => `- ${inert(problem)}`).join("\n")}`;

function permissions({ kind, agent, permissions }: Verdict): string {
  const title = titleOf(kind, agent, permissions);
  const lines = permissions.map(({ weight, text }) =>
    weight === "risk" ? `- ⚠ **${inert(text)}**` : `- ${inert(text)}`,
  );
  return lines.length === 0 ? `**${title}.**` : `**${title}:**\n\n${lines.join("\n")}`;
}

function titleOf(kind: Verdict["kind"], agent: string | null, permissions: Verdict["permissions"]): string {
  if (kind === "spawn") return `Approving this starts the new agent ${agent}, which`;
  if (kind === "destroy") return `Approving this removes the agent ${agent}, which`;
  if (kind === "inputs")
    return permissions.length === 0
      ? "Approving this changes nothing that agents are built from"
      : "Approving this changes what agents are built from";
  if (kind === "decision") return "Approving this decides something, and changes nothing that anybody may do. It";
  const isToldOnly = permissions.every(({ weight }) => weight === "told");
  return isToldOnly
    ? `Approving this changes what ${agent} is told, and nothing that it may do`
    : `Approving this changes ${agent}, which from then on`;
}

/** Text from a pull request as text: no markdown, no mention, no link, no HTML, one line. */
export const inert = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/[\\`*_{}[\]()#+!|<>~@&]|:(?=\/\/)/g, (character) => `&#${character.charCodeAt(0)};`);

/** What fits into a commit status, at most 140 characters. */
export function statusDescription(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= 140 ? line : `${line.slice(0, 139)}…`;
}
