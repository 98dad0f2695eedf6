/** Names and ids that cross a process: parsed once at the edge, branded, and trusted inside. */
import { z } from "zod";

/** Names that a forge keeps for itself (Forgejo 15.0.3, models/user/user.go) and that our naming pattern would allow. */
const reservedByForge = [
  ..."admin api assets attachments avatar avatars captcha commits debug devtest error explore favicon ghost issues".split(
    " ",
  ),
  ..."login metrics milestones new notifications org pulls raw repo repo-avatars robots search stars template".split(
    " ",
  ),
  ..."user users v2 gitea-actions forgejo-actions".split(" "),
];
const reservedByHive = "hive hive-admin hive-bot operator system reminder self all shared org-shared".split(" ");
const reserved: ReadonlySet<string> = new Set([...reservedByForge, ...reservedByHive]);

/** An agent's name, which is also its forge user and its address: 2 to 31 characters, lower case, digits, single dashes. */
export const AgentName = z
  .string()
  .min(2, "an agent's name has at least 2 characters")
  .max(31, "an agent's name has at most 31 characters")
  .regex(
    /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/,
    "an agent's name begins with a letter and has lower-case letters, digits and single dashes",
  )
  .refine((name) => !reserved.has(name), "this name is reserved; choose another")
  .brand<"AgentName">();
export type AgentName = z.infer<typeof AgentName>;

/** Who can write a message: an agent, the operator, or the hive itself. */
export const Address = z.union([AgentName, z.literal("operator"), z.literal("system")]);
export type Address = z.infer<typeof Address>;

/** Whom a message can be sent to; `*` is every agent but the sender. */
export const Recipient = z.union([AgentName, z.literal("operator"), z.literal("*")]);
export type Recipient = z.infer<typeof Recipient>;

/** Milliseconds since 1970. */
export const EpochMs = z.number().int().nonnegative().brand<"EpochMs">();
export type EpochMs = z.infer<typeof EpochMs>;

export const MessageId = z.number().int().positive().brand<"MessageId">();
export type MessageId = z.infer<typeof MessageId>;

export const EntryId = z.number().int().positive().brand<"EntryId">();
export type EntryId = z.infer<typeof EntryId>;

/** Of at least 80 random bits, so that an id of an earlier boot can never be taken for one of this. */
const randomId = (prefix: string) => z.string().regex(new RegExp(`^${prefix}-[0-9a-f]{32}$`));

/** One run of a coding agent; made by the runner when it asks for a lease, of milliseconds since 1970 and random bits. */
export const TurnId = randomId("turn").brand<"TurnId">();
export type TurnId = z.infer<typeof TurnId>;
/** As much of it as tells the turns of one agent apart: the millisecond, and four random bits. */
export const shortTurnId = (id: TurnId): string => id.slice("turn-".length, "turn-".length + 12);

/** One life of an agent's process; made by hived when it asks the runner to start it. */
export const LaunchId = randomId("launch").brand<"LaunchId">();
export type LaunchId = z.infer<typeof LaunchId>;

/** A harmless message to an agent's loop, see canary.ts; made by hived. */
export const CanaryId = randomId("canary").brand<"CanaryId">();
export type CanaryId = z.infer<typeof CanaryId>;

/** One life of hived: counts up, committed before hived opens a socket. */
export const BootId = z.number().int().positive().brand<"BootId">();
export type BootId = z.infer<typeof BootId>;

/** A git object's full id, SHA-1 or SHA-256. */
export const ObjectId = z
  .string()
  .regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/)
  .brand<"ObjectId">();
export type ObjectId = z.infer<typeof ObjectId>;

/** A place in the event log. */
export const Sequence = z.number().int().nonnegative().brand<"Sequence">();
export type Sequence = z.infer<typeof Sequence>;
