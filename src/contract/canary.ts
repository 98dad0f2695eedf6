import { z } from "zod";
import { CanaryId, EpochMs } from "./names.ts";

/**
 * The ways that it goes, in order: it is on the disk; the runner has been told that there is something; the agent's loop has
 * asked for work and got it; the loop has answered; the answer is on the disk.
 */
export const Hop = z.enum(["committed", "pushed", "begun", "answered", "handled"]);
export type Hop = z.infer<typeof Hop>;

/** How long it may take in all. */
export const canaryWithinMs = 10_000;

/**
 * A canary goes to an agent's loop the way that a message goes, and no further: no turn of the model is spent on it.
 * waiting → well, or failed after `canaryWithinMs`.
 */
export const Canary = z.object({
  id: CanaryId,
  sentAt: EpochMs,
  state: z.enum(["waiting", "well", "failed"]),
  /** milliseconds from its acceptance to the end of each hop that it has made */
  hops: z.partialRecord(Hop, z.number().nonnegative()),
  /** why it failed; a sentence */
  problem: z.string().nullable(),
});
export type Canary = z.infer<typeof Canary>;
