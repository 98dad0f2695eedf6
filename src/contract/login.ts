import { z } from "zod";

const noSpace = /^\S+$/;

/** How the operator signs an agent in with its provider. No part of it is kept in an event, a log or the database. */
export const LoginStep = z.discriminatedUnion("kind", [
  /** asks for a link; where it leads, a code is shown */
  z.object({ kind: z.literal("link") }),
  /** the code that belongs to the link that was asked for last */
  z.object({ kind: z.literal("code"), code: z.string().trim().min(1).max(5_000).regex(noSpace) }),
  /** a key, or a token, that the provider has given out */
  z.object({ kind: z.literal("secret"), secret: z.string().trim().min(8).max(5_000).regex(noSpace) }),
]);
export type LoginStep = z.infer<typeof LoginStep>;

/** `url` is the link that was asked for. */
export const LoginAnswer = z.object({ url: z.string().nullable() });
export type LoginAnswer = z.infer<typeof LoginAnswer>;
