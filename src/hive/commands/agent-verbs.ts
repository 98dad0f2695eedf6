/** The verbs of `hive agent`. Each throws Refusal `not_running`, `bad_name`, or as hived says it. */
import type { ConversationChange } from "../../contract/conversation.ts";
import { exitCodes } from "../exit-codes.ts";
import { type Hived, withHived } from "../up/reach.ts";
import { parseAgent } from "./turns.ts";

type Home = { home?: string };

export const cancel = (name: string, options: Home & { requeue?: boolean }): Promise<number> =>
  act(options, async (hived) => {
    const agent = parseAgent(name);
    await hived.cancelTurn({ agent, requeues: options.requeue === true });
    return `The turn of ${agent} is being cancelled: \`hive turns ${agent}\` shows how it ended.`;
  });

export const change = (name: string, wanted: ConversationChange, options: Home): Promise<number> =>
  act(options, async (hived) => {
    const agent = parseAgent(name);
    await hived.changeConversation({ agent, change: wanted });
    return said[wanted.kind](agent);
  });

const said: Record<ConversationChange["kind"], (agent: string) => string> = {
  compact: (agent) => `${agent} makes its conversation smaller; what came of it is in the log on the dashboard.`,
  model: (agent) => `${agent} uses it from its next turn on.`,
  new: (agent) => `${agent} begins a new conversation.`,
};

export const revert = (name: string, options: Home): Promise<number> =>
  act(options, async (hived) => {
    const agent = parseAgent(name);
    await hived.revertAgent({ agent });
    return `A pull request puts ${agent} on main back to the version that runs: \`hive approvals\` shows how far it is.`;
  });

export const restart = (name: string, options: Home & { now?: boolean }): Promise<number> =>
  act(options, async (hived) => {
    const { said: sentence } = await hived.restartAgent({ agent: parseAgent(name), now: options.now === true });
    return sentence;
  });

export const rebuild = (name: string, options: Home): Promise<number> =>
  act(options, async (hived) => (await hived.rebuildAgent({ agent: parseAgent(name) })).said);

export const unpark = (name: string, options: Home): Promise<number> =>
  act(options, async (hived) => {
    const agent = parseAgent(name);
    await hived.unparkAgent({ agent });
    return `${agent} may go on.`;
  });

export const liftRest = (name: string, otherName: string, options: Home): Promise<number> =>
  act(options, async (hived) => {
    const [one, other] = [parseAgent(name), parseAgent(otherName)];
    await hived.liftPairRest({ one, other });
    return `${one} and ${other} may write to each other.`;
  });

const act = (options: Home, verb: (hived: Hived) => Promise<string>): Promise<number> =>
  withHived(options, async (hived) => {
    process.stdout.write(`${await verb(hived)}\n`);
    return exitCodes.ok;
  });
