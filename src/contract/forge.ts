/** What the forge has to look like, as far as others than hived hear of it. */
import { z } from "zod";

/** One thing in which the forge is not as it should be, in words for the operator. */
export const Drift = z.object({
  what: z.string(),
  wanted: z.string(),
  /** null: there is no such thing */
  found: z.string().nullable(),
});
export type Drift = z.infer<typeof Drift>;

/** What became of one user's token that was to be replaced. */
export const Rotation = z.object({
  user: z.string(),
  /** null: there is a new one, and the old one ends when nobody uses it any more; else what the operator has to do */
  problem: z.string().nullable(),
});
export type Rotation = z.infer<typeof Rotation>;
