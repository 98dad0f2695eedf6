import { useState } from "preact/hooks";
import type { Approval } from "../../contract/approval.ts";
import { Refusal } from "../../contract/refusal.ts";
import { approve, deny } from "../calls.ts";
import { ActionButton } from "./action-button.tsx";

/** Approves the head that is shown, or denies it and says why; what concerns single lines is said in the forge. */
export const ReviewForm = ({ approval }: { approval: Approval }) => (
  // With another head it begins anew: nobody confirms what was pushed between two clicks.
  <Form key={approval.head} approval={approval} />
);

function Form({ approval: { number, head } }: { approval: Approval }) {
  const [reason, setReason] = useState("");
  const denyWithReason = async () => {
    if (reason.trim() === "") throw new Refusal("no_reason", "A denial needs a reason.", "Write it beside the button.");
    await deny(number, reason);
  };
  return (
    <div class="answer">
      <ActionButton
        text="Approve"
        label={`Approve #${number}`}
        question={`Approve ${head.slice(0, 10)}?`}
        act={() => approve(number, head)}
      />
      <textarea
        aria-label={`Why #${number} is denied`}
        placeholder="Why not?"
        rows={1}
        value={reason}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      <ActionButton text="Deny" label={`Deny #${number}`} act={denyWithReason} />
    </div>
  );
}
