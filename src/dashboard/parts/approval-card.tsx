import type { Approval } from "../../contract/approval.ts";
import { forSubmitter } from "../attention.ts";
import { Ago } from "./ago.tsx";
import { Chip, Tag } from "./chip.tsx";
import { Course } from "./course.tsx";
import { AlertIcon } from "./icons.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { ReviewForm } from "./review-form.tsx";
import { shown } from "./shown.ts";
import { approvalKindWords, approvalWords } from "./words.ts";

/** An approval with what it would allow and how far it is; it is given, or not, here or in the forge. */
export function ApprovalCard({ approval, isUrgent }: { approval: Approval; isUrgent: boolean }) {
  const id = `approval-${approval.number}`;
  const { text, tone } = approvalWords[approval.state];
  return (
    <article class={isUrgent ? "card urgent" : "card"} aria-labelledby={id}>
      <div class="card-head">
        <Tag>{approvalKindWords[approval.kind]}</Tag>
        <span class="id">#{approval.number}</span>
        <Chip tone={tone}>{text}</Chip>
      </div>
      <h3 id={id} class="card-title" dir="auto">
        {shown(approval.summary)}
      </h3>
      <p class="meta">
        {submitterText(approval)} <Ago at={approval.openedAt} />, head <code>{approval.head.slice(0, 10)}</code>
      </p>
      {approval.problem && <Problem text={approval.problem} />}
      {forSubmitter.has(approval.state) && <p class="meta">{nextText(approval)}</p>}
      <Permissions approval={approval} isOpen={isUrgent} />
      <Course approval={approval} />
      <p class="actions">
        <OutsideLink href={approval.url} kind={isUrgent ? "button" : "plain"}>
          {isUrgent ? "Review in the forge" : "Open in the forge"}
        </OutsideLink>
      </p>
      {approval.state === "waiting" && approval.submitter !== "operator" && <ReviewForm approval={approval} />}
    </article>
  );
}

/** An approval whose course has ended, as one row. */
export const ApprovalRow = ({ approval }: { approval: Approval }) => (
  <li class="row">
    <span class="id">#{approval.number}</span>
    <span class="row-text" dir="auto">
      <OutsideLink href={approval.url}>{shown(approval.summary)}</OutsideLink>
    </span>
    <Chip tone={approvalWords[approval.state].tone}>{approvalWords[approval.state].text}</Chip>
    <span class="when">
      <Ago at={approval.updatedAt} />
    </span>
    {approval.problem && <span class="row-note below">{shown(approval.problem)}</span>}
  </li>
);

/** What is wrong, in the words of whoever found out. */
export const Problem = ({ text, tone = "bad" }: { text: string; tone?: "bad" | "warn" }) => (
  <p class={`problem ${tone}`}>
    <AlertIcon />
    <span dir="auto">{shown(text)}</span>
  </p>
);

function nextText({ submitter }: Approval): string {
  return submitter === "operator"
    ? "It is your turn: a new push of yours is looked at anew."
    : `It is ${submitter}'s turn: a new push is looked at anew.`;
}

function submitterText({ submitter, kind, agent }: Approval): string {
  const who = { operator: "You", system: "The hive" }[submitter as string] ?? submitter;
  return kind === "spawn" && agent ? `${who} proposed ${shown(agent)}` : `${who} proposed this`;
}

function Permissions({ approval, isOpen }: { approval: Approval; isOpen: boolean }) {
  if (approval.permissions.length === 0) return null;
  const subject = approval.agent ? shown(approval.agent) : "this";
  return (
    <details class="permissions" open={isOpen}>
      <summary>
        {approval.kind === "spawn" ? `Approving starts ${subject}, which` : `What changes for ${subject}`}
      </summary>
      <ul>
        {approval.permissions.map((sentence) => (
          <li key={sentence} dir="auto">
            {shown(sentence)}
          </li>
        ))}
      </ul>
    </details>
  );
}
