import { z } from "zod";

/** What the operator may change of an agent's conversation between two turns. */
export const ConversationChange = z.discriminatedUnion("kind", [
  /** the agent makes it smaller itself */
  z.object({ kind: z.literal("compact") }),
  /** another model, by the name that the agent's own list gives it; until the process of this version ends for good */
  z.object({ kind: z.literal("model"), model: z.string().trim().min(1).max(200) }),
  /** a new one: what was said so far is forgotten */
  z.object({ kind: z.literal("new") }),
]);
export type ConversationChange = z.infer<typeof ConversationChange>;
