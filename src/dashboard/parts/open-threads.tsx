import type { Agent } from "../../contract/agent.ts";
import type { Thread, ThreadPage } from "../../contract/thread.ts";
import { threadsText } from "./agent-card.tsx";
import { Ago } from "./ago.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { shown } from "./shown.ts";

/** What still waits, agent by agent; of a manager, who sees the whole hive, its own first and the others' folded away. */
export const OpenThreads = ({ agents, threads }: { agents: readonly Agent[]; threads: Record<string, ThreadPage> }) => (
  <div class="threads">
    {agents.map(({ name }) => {
      const page = threads[name];
      if (!page || page.threads.length === 0) return null;
      const own = page.threads.filter(({ owner }) => owner === name);
      const others = page.threads.filter(({ owner }) => owner !== name);
      return (
        <article key={name} class="card thread-group" aria-labelledby={`threads-${name}`}>
          <h3 id={`threads-${name}`}>
            {name} <span class="meta">{threadsText(page)}</span>
          </h3>
          {own.length > 0 && <Threads threads={own} />}
          {others.length > 0 && (
            <details class="others">
              <summary>
                {others.length} {own.length > 0 && "more "}of other agents
              </summary>
              <Threads threads={others} isOwnerShown={true} />
            </details>
          )}
          <Rest page={page} />
        </article>
      );
    })}
  </div>
);

const Threads = ({ threads, isOwnerShown = false }: { threads: readonly Thread[]; isOwnerShown?: boolean }) => (
  <ul class="rows">
    {threads.map((thread) => (
      <li key={`${thread.kind}-${thread.owner}-${thread.id}-${"repo" in thread ? thread.repo : ""}`} class="row">
        <span class="row-text cut-two" dir="auto">
          <OutsideLink href={thread.url}>{shown(thread.summary)}</OutsideLink>
        </span>
        <span class="row-note">
          {kindWords[thread.kind]}, {isOwnerShown && `${thread.owner} `}
          {roleText(thread)}
        </span>
        <span class="when">
          <Ago at={thread.openedAt} />
        </span>
      </li>
    ))}
  </ul>
);

/** A page is cut at a limit; the totals are not. */
function Rest({ page }: { page: ThreadPage }) {
  const { approval, question, pr } = page.totals;
  const missing = approval + question + pr - page.threads.length;
  return missing > 0 ? <p class="meta">and {missing} more, newer than these</p> : null;
}

const kindWords: Record<Thread["kind"], string> = { approval: "approval", question: "question", pr: "pull request" };

function roleText(thread: Thread): string {
  switch (thread.kind) {
    case "approval":
      return thread.state.replaceAll("_", " ");
    case "question": {
      const other = thread.counterparty === "operator" ? "you" : thread.counterparty;
      return thread.role === "asker" ? `asked ${other}` : `owes ${other} an answer`;
    }
    case "pr":
      return `${thread.role === "author" ? "opened it" : "is to review it"} in ${thread.repo}`;
  }
}
