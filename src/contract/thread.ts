import { z } from "zod";
import { Address, EpochMs } from "./names.ts";

const common = { owner: Address, summary: z.string(), openedAt: EpochMs };

/** Anything that still waits for somebody, as its owner sees it. */
export const Thread = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("approval"), id: z.number(), ...common, state: z.string(), url: z.string() }),
  z.object({
    kind: z.literal("question"),
    id: z.number(),
    ...common,
    role: z.enum(["asker", "target"]),
    counterparty: Address,
    url: z.string().nullable(),
  }),
  z.object({
    kind: z.literal("pr"),
    id: z.number(),
    ...common,
    repo: z.string(),
    role: z.enum(["author", "reviewer"]),
    state: z.string(),
    url: z.string(),
  }),
]);
export type Thread = z.infer<typeof Thread>;

/** One sweep over what is open for somebody, oldest first, cut at a limit. */
export const ThreadPage = z.object({
  threads: z.array(Thread),
  /** how many there are in all, by kind */
  totals: z.object({ approval: z.number(), question: z.number(), pr: z.number() }),
});
export type ThreadPage = z.infer<typeof ThreadPage>;
