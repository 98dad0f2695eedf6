import { z } from "zod";
import { Address, EpochMs, ObjectId } from "./names.ts";

/** One move of an agent to what `main` had of its directory; `ready` is what ran, tag `deployed/<agent>/<number>`. */
export const AgentVersion = z.object({
  /** counts up from 1 per agent */
  number: z.number().int(),
  commit: ObjectId,
  tree: ObjectId,
  /** when it began */
  at: EpochMs,
  /** superseded: `main` moved on before it was there */
  state: z.enum(["converging", "ready", "failed", "superseded"]),
  /** why it failed */
  problem: z.string().nullable(),
  /** the pull requests that brought it; none where the operator pushed it to `main`, or it was only tried once more */
  approvals: z.array(
    z.object({
      number: z.number().int(),
      submitter: Address,
      summary: z.string(),
      url: z.string(),
      /** by the operator's review; else the operator merged it by hand */
      isApproved: z.boolean(),
    }),
  ),
});
export type AgentVersion = z.infer<typeof AgentVersion>;

/** Who brought a version, in words: "#7 of bob, approved". */
export const broughtBy = ({ approvals }: AgentVersion): string =>
  approvals.length === 0
    ? "without a pull request"
    : approvals
        .map(({ number, submitter, isApproved }) => {
          const who = submitter === "system" ? "the hive" : submitter;
          return `#${number} of ${who}, ${isApproved ? "approved" : "merged by hand"}`;
        })
        .join("; ");
