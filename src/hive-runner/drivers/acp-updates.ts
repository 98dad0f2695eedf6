/** What an ACP agent tells while it works, as far as anybody here wants to know: anything else, and anything odd, is passed over. */
import { z } from "zod";
import type { EpochMs } from "../../contract/names.ts";
import type { LiveEvent } from "../../contract/turn-log.ts";
import { limitIn } from "./acp-failure.ts";
import { type Setting, settingsIn } from "./acp-settings.ts";
import type { Sign } from "./driver.ts";

const Text = z.string().catch("");
const Tool = z.object({ toolCallId: Text, title: Text, status: Text });
const Content = z.object({ type: Text, text: z.string().optional().catch(undefined) });
const Update = z.discriminatedUnion("sessionUpdate", [
  z.object({ sessionUpdate: z.enum(["agent_message_chunk", "agent_thought_chunk"]), content: Content }),
  z.object({ sessionUpdate: z.enum(["tool_call", "tool_call_update"]), ...Tool.shape }),
  z.object({
    sessionUpdate: z.literal("usage_update"),
    /** of the whole conversation */
    cost: z
      .object({ amount: z.number().nonnegative(), currency: z.literal("USD") })
      .optional()
      .catch(undefined),
    _meta: z.unknown().optional(),
  }),
  z.looseObject({ sessionUpdate: z.literal("config_option_update") }),
  z.object({
    sessionUpdate: z.literal("available_commands_update"),
    availableCommands: z.array(z.object({ name: z.string() })),
  }),
]);
const SessionUpdate = z.object({ update: Update });

/** What an agent has said of itself so far. */
export class AcpSaid {
  settings: Setting[] = [];
  /** its commands, with the slash; null: it has not said which it has */
  commands: readonly string[] | null = null;
  /** when the limit passes that it has said it ran into; to be forgotten when a turn begins */
  limitedUntil: EpochMs | null = null;
  /** of the whole conversation, in US dollars; null: not known */
  costUsd: number | null = null;

  /** Takes in a `session/update`. @returns the sign of life that it is */
  hear(params: unknown): Sign {
    const update = SessionUpdate.safeParse(params).data?.update;
    switch (update?.sessionUpdate) {
      case "agent_message_chunk":
        return { event: { kind: "text", text: textOf(update.content) }, isOutput: true };
      case "agent_thought_chunk":
        return { event: { kind: "thought", text: textOf(update.content) }, isOutput: true };
      case "tool_call":
        return { event: toolEvent(update), isOutput: true };
      case "tool_call_update":
        return { event: toolEvent(update), isOutput: false }; // it comes from the tool, not from the model
      case "usage_update":
        this.costUsd = update.cost?.amount ?? this.costUsd;
        this.limitedUntil = limitIn(update._meta) ?? this.limitedUntil;
        break;
      case "config_option_update":
        this.settings = settingsIn(update) ?? this.settings;
        break;
      case "available_commands_update":
        this.commands = update.availableCommands.map(({ name }) => `/${name}`);
    }
    return { event: null, isOutput: false };
  }
}

const textOf = ({ type, text }: z.infer<typeof Content>): string =>
  type === "text" && text !== undefined ? text : `[${type}]`;

const toolEvent = ({ toolCallId, title, status }: z.infer<typeof Tool>): LiveEvent => ({
  kind: "tool",
  id: toolCallId,
  title,
  status,
});
