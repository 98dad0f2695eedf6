import type { Approval, ApprovalState } from "../../contract/approval.ts";
import { Ago } from "./ago.tsx";
import { approvalWords, stepText } from "./words.ts";

/** The way of an approval that is given at once. */
const straight: ApprovalState[] = ["opened", "waiting", "preparing", "merging", "converging", "deployed"];

/** How many steps are shown of a course that went round many times. */
const newestSteps = 6;

/** What still lies ahead of a state; nothing when it has ended, or waits for a new push. */
export function stepsAhead(state: ApprovalState): ApprovalState[] {
  const place = straight.indexOf(state);
  return place < 0 ? [] : straight.slice(place + 1);
}

/** The states that an approval went through, the one that it is in, and those ahead. */
export function Course({ approval }: { approval: Approval }) {
  const { course, state } = approval;
  const steps = course.slice(-newestSteps);
  const left = course.length - steps.length;
  return (
    <ol class="course" aria-label="Course">
      {left > 0 && <li class="step past">{`${left} earlier`}</li>}
      {steps.map((step, index) => {
        const isNow = index === steps.length - 1;
        return (
          <li
            key={`${step.state}-${step.at}`}
            class={isNow ? `step now ${approvalWords[state].tone}` : "step past"}
            aria-current={isNow ? "step" : undefined}
          >
            <span class="step-name">{stepText(step.state)}</span> <Ago at={step.at} />
          </li>
        );
      })}
      {stepsAhead(state).map((step) => (
        <li key={step} class="step ahead">
          <span class="step-name">{stepText(step)}</span>
          <span class="unseen"> (not yet)</span>
        </li>
      ))}
    </ol>
  );
}
