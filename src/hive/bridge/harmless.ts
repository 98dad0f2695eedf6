/** Which messages may be sent again when nobody knows whether they arrived. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { toolList } from "../../contract/tools.ts";

export const Message = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: z.union([z.string(), z.number()]).optional(),
  method: z.string().optional(),
  params: z.unknown().optional(),
});
export type Message = z.infer<typeof Message>;

const ToolCall = z.looseObject({ name: z.string(), arguments: z.record(z.string(), z.unknown()).default({}) });

const callTool = "tools/call";
const findTool = (called: string) => toolList.find(({ name }) => name === called);
const takesClientId = (tool: string) => findTool(tool)?.input.shape["client_id"] !== undefined;

/** Gives a call of a tool that knows them an id, if it has none: so hived knows it again when it comes twice. */
export function withClientId(message: Message): Message {
  const call = ToolCall.safeParse(message.params).data;
  if (message.method !== callTool || !call || !takesClientId(call.name)) return message;
  const args = { client_id: `bridge-${randomUUID()}`, ...call.arguments };
  return { ...message, params: { ...call, arguments: args } };
}

/** Whether it does no harm to carry the message out twice. */
export function isHarmlessTwice(message: Message): boolean {
  if (message.method !== callTool) return true;
  const call = ToolCall.safeParse(message.params).data;
  const tool = call && findTool(call.name);
  return tool !== undefined && Boolean(tool.readOnly || tool.idempotent || call?.arguments["client_id"]);
}
