/** What an agent is told at the start of a conversation, and how that comes to it. */
import { z } from "zod";

export const Skill = z.object({
  name: z.string(),
  /** one line */
  description: z.string(),
  /** its SKILL.md, as the agent sees it */
  file: z.string(),
});
export type Skill = z.infer<typeof Skill>;

export const Told = z.object({
  text: z.string(),
  /** how its coding agent gets the text; follows on "Given " */
  way: z.string(),
  /** those that the text leaves out, as its coding agent lists them by itself */
  skills: z.array(Skill),
});
export type Told = z.infer<typeof Told>;
