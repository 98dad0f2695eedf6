/** A turn in words. */
import type { Turn } from "../../contract/turn.ts";
import { outcomeText, outcomeTone, type Word } from "./words.ts";

export function turnWord({ outcome }: Turn): Word {
  return outcome === null
    ? { text: "running", tone: "busy" }
    : { text: outcomeText(outcome), tone: outcomeTone(outcome) };
}

/** How long it took, to a tenth of a second; null while it runs. */
export function turnTook({ startedAt, endedAt }: Turn): string | null {
  if (endedAt === null) return null;
  const seconds = (endedAt - startedAt) / 1000;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}

/** What the agent told of its tokens; null when it told nothing. */
export function tokensText({ usage: { inputTokens }, evidence }: Turn): string | null {
  const output = evidence?.outputTokens ?? null;
  if (inputTokens === null && output === null) return null;
  const parts = [inputTokens !== null && `${inputTokens} in`, output !== null && `${output} out`];
  return `tokens: ${parts.filter(Boolean).join(", ")}`;
}

/** How full its conversation was at its end; null where the agent does not say. */
export function contextText({ usage: { context } }: Turn): string | null {
  if (!context) return null;
  const { tokens, window } = context;
  return `${Math.round((100 * tokens) / window)} % of ${window.toLocaleString("en")} tokens`;
}

export const costText = ({ usage: { costUsd } }: Turn): string | null =>
  costUsd === null ? null : `$${costUsd.toFixed(4)}`;
