import { useState } from "preact/hooks";
import type { Question } from "../../contract/question.ts";
import { answerQuestion } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";
import { Ago, Until } from "./ago.tsx";
import { answerText } from "./answer-text.ts";
import { Chip, Tag } from "./chip.tsx";
import { LongText } from "./long-text.tsx";
import { OutsideLink } from "./outside-link.tsx";
import { shown } from "./shown.ts";
import { questionWords } from "./words.ts";

/** A question that waits for the operator, with what there is to choose from; it is answered here or in the forge. */
export function QuestionCard({ question }: { question: Question }) {
  const id = `question-${question.id}`;
  return (
    <article class="card urgent" aria-labelledby={id}>
      <div class="card-head">
        <Tag>question</Tag>
        <span class="id">question {question.id}</span>
        <Chip tone="ask">waits for your answer</Chip>
      </div>
      <h3 id={id} class="card-title">
        {question.asker} asks
      </h3>
      <LongText text={question.question} />
      {question.context && <LongText text={question.context} />}
      <AnswerForm question={question} />
      <p class="actions">
        <OutsideLink href={question.url} kind="plain">
          Answer in the forge
        </OutsideLink>
        <span class="meta">
          asked <Ago at={question.openedAt} />
          {question.deadline !== null && (
            <>
              , expires <Until at={question.deadline} />
            </>
          )}
        </span>
      </p>
    </article>
  );
}

function AnswerForm({ question: { id, options, multi } }: { question: Question }) {
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [words, setWords] = useState("");
  const choose = (place: number, isChosen: boolean) =>
    setChosen(multi ? [...chosen.filter((other) => other !== place), ...(isChosen ? [place] : [])] : [place]);
  const hasOptions = options.length > 0;
  const answer = () => answerQuestion(id, answerText(options, chosen, words));
  return (
    <div class="answer">
      {hasOptions && (
        <fieldset class="options">
          <legend>{multi ? "Any of these" : "One of these"}</legend>
          {options.map((option, index) => (
            <label key={option} dir="auto">
              <input
                type={multi ? "checkbox" : "radio"}
                name={`answer-${id}`}
                checked={chosen.includes(index)}
                onChange={(event) => choose(index, event.currentTarget.checked)}
              />{" "}
              {shown(option)}
            </label>
          ))}
        </fieldset>
      )}
      <textarea
        aria-label={hasOptions ? "What you want to add" : "Your answer"}
        placeholder={hasOptions ? "Anything to add?" : "Your answer"}
        rows={2}
        value={words}
        onInput={(event) => setWords(event.currentTarget.value)}
      />
      <ActionButton text="Answer" label={`Answer question ${id}`} act={answer} />
    </div>
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
