import type { Question } from "../../contract/question.ts";
import { Ago } from "./ago.tsx";
import { Chip, Tag } from "./chip.tsx";
import { LongText } from "./long-text.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { shown } from "./shown.ts";
import { questionWords } from "./words.ts";

/** A question that waits for the operator, with what there is to choose from; it is answered in the forge. */
export function QuestionCard({ question }: { question: Question }) {
  const id = `question-${question.id}`;
  return (
    <article class="card urgent" aria-labelledby={id}>
      <div class="card-head">
        <Tag>question</Tag>
        {question.number !== null && <span class="id">#{question.number}</span>}
        <Chip tone="ask">waits for your answer</Chip>
      </div>
      <h3 id={id} class="card-title">
        {question.asker} asks
      </h3>
      <LongText text={question.question} />
      {question.options.length > 0 && (
        <ul class="options" aria-label={question.multi ? "Any of these" : "One of these"}>
          {question.options.map((option) => (
            <li key={option} dir="auto">
              {shown(option)}
            </li>
          ))}
        </ul>
      )}
      <p class="actions">
        <OutsideLink href={question.url} kind="button">
          Answer in the forge
        </OutsideLink>
        <span class="meta">
          asked <Ago at={question.openedAt} />
        </span>
      </p>
    </article>
  );
}

/** A question as one row: between agents, or answered. */
export const QuestionRow = ({ question }: { question: Question }) => (
  <li class="row">
    <span class="row-text cut-two" dir="auto">
      <OutsideLink href={question.url}>{shown(question.question)}</OutsideLink>
    </span>
    <span class="row-note">
      {question.asker} to {question.target === "operator" ? "you" : question.target}
    </span>
    <Chip tone={question.state === "open" ? "warn" : questionWords[question.state].tone}>
      {questionWords[question.state].text}
    </Chip>
    <span class="when">
      <Ago at={question.closedAt ?? question.openedAt} />
    </span>
  </li>
);
