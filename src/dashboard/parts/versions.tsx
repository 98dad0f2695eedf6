/** The versions that an agent has had, newest first: what became of each, and who brought it. */
import type { Agent } from "../../contract/agent.ts";
import { type AgentVersion, broughtBy } from "../../contract/version.ts";
import { Ago } from "./ago.tsx";
import { Chip } from "./chip.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { Section } from "./section.tsx";
import { shown } from "./shown.ts";
import type { Tone } from "./words.ts";

type Props = { agent: Agent; page: { versions: readonly AgentVersion[]; more: boolean } | null };

export const Versions = ({ agent, page }: Props) => (
  <Section
    id="versions"
    title={`Versions of ${agent.name}`}
    empty={page?.versions.length === 0 && "No version yet. Each that main has of it appears here."}
  >
    <ol class="card rows version-list">
      {page?.versions.map((version) => (
        <VersionRow key={version.number} version={version} isRunning={version.number === agent.deployment} />
      ))}
    </ol>
    {page?.more && (
      <p class="meta">
        Older ones: <code>hive agent history {agent.name}</code>
      </p>
    )}
  </Section>
);

const words: Record<AgentVersion["state"], { text: string; tone: Tone }> = {
  converging: { text: "on its way", tone: "busy" },
  ready: { text: "ran", tone: "quiet" },
  failed: { text: "failed", tone: "bad" },
  superseded: { text: "superseded", tone: "quiet" },
};

function VersionRow({ version, isRunning }: { version: AgentVersion; isRunning: boolean }) {
  const { number, commit, at, state, problem, approvals } = version;
  const { text, tone } = isRunning ? { text: "runs", tone: "good" as const } : words[state];
  const [first] = approvals;
  return (
    <li class="row">
      <span class="id">{number}</span>
      <Chip tone={tone}>{text}</Chip>
      <span class="row-text" dir="auto">
        {first ? <OutsideLink href={first.url}>{shown(first.summary)}</OutsideLink> : "As main had it"}
      </span>
      <span class="row-note">{shown(broughtBy(version))}</span>
      <span class="id">{commit.slice(0, 10)}</span>
      <span class="when">
        <Ago at={at} />
      </span>
      {problem && <span class="turn-problem row-note below">{shown(problem)}</span>}
    </li>
  );
}
