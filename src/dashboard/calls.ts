/** The page's calls of hive-web. What is wrong with a call is a Refusal, what is wrong with the world a Fault. */
import { z } from "zod";
import type { ConversationChange } from "../contract/conversation.ts";
import { Fault } from "../contract/fault.ts";
import { HiveState } from "../contract/fold.ts";
import type { LoginStep } from "../contract/login.ts";
import type { AgentName, EntryId, ObjectId, TurnId } from "../contract/names.ts";
import type { Pair } from "../contract/pair.ts";
import { Refusal, RefusalBody } from "../contract/refusal.ts";
import { routes } from "../contract/routes.ts";
import type { ResponseOf } from "../contract/table.ts";

const answerWithinMs = 20_000;
/** Its provider is asked meanwhile. */
const loginWithinMs = 70_000;

/** What hive-web says of a fault: its own sentence, or hived's. */
const FaultBody = z.object({ message: z.string() });

/** Exchanges the secret of a one-time link for a cookie that no script sees. */
export async function signIn(secret: string): Promise<void> {
  await post("signIn", { secret });
}

/** @returns the forge's address that the browser is to go to; it comes back to this page with an answer */
export async function beginForgeSignIn(): Promise<string> {
  return z.object({ url: z.url({ protocol: /^https?$/ }) }).parse(await post("beginForgeSignIn", {})).url;
}

/** Exchanges the forge's answer for a cookie that no script sees. @param answer the query that the page was opened with */
export async function finishForgeSignIn(answer: string): Promise<void> {
  await post("finishForgeSignIn", { answer });
}

export async function signOut(): Promise<void> {
  await post("signOut", {});
}

/** An agent's turns, newest first: the newest of all, or those before one. */
export async function readTurns(agent: AgentName, before: TurnId | null): Promise<ResponseOf<typeof routes.readTurns>> {
  return routes.readTurns.response.parse(await post("readTurns", { agent, before }));
}

export async function readTurn(agent: AgentName, turn: TurnId): Promise<ResponseOf<typeof routes.readTurn>> {
  return routes.readTurn.response.parse(await post("readTurn", { agent, turn }));
}

/** An agent's newest versions, newest first. */
export async function readVersions(agent: AgentName): Promise<ResponseOf<typeof routes.readVersions>> {
  return routes.readVersions.response.parse(await post("readVersions", { agent }));
}

/** Tries whether an agent's loop wakes up; how that went comes with the agent's row, too. */
export const sendCanary = (agent: AgentName) => post("sendCanary", { agent });
/** Queues a dead or cancelled entry again. */
export const retryEntry = (entry: EntryId) => post("retryEntry", { entry });
/** Gives a queued or dead entry up. */
export const cancelEntry = (entry: EntryId) => post("cancelEntry", { entry });
/** Gives up all that is queued for an agent. */
export const cancelQueued = (agent: AgentName) => post("cancelQueued", { agent });
/** Marks entries of the operator's own inbox. */
export const markRead = (entries: readonly EntryId[]) => post("markRead", { entries });
/** Answers a question as the operator. @param answer as in a comment behind `/answer` */
export const answerQuestion = (question: number, answer: string) => post("answerQuestion", { question, answer });
/** Ends an agent's running turn; its messages are given up, or queued again. */
export const cancelTurn = (agent: AgentName, requeues: boolean) => post("cancelTurn", { agent, requeues });
/** Changes the conversation of an agent that is in no turn. */
export const changeConversation = (agent: AgentName, change: ConversationChange) =>
  post("changeConversation", { agent, change });
/** Approves exactly this head, in the forge, as the operator. */
export const approve = (number: number, head: ObjectId) => post("approve", { number, head });
/** Says why, and closes the pull request, in the forge, as the operator. */
export const deny = (number: number, reason: string) => post("deny", { number, reason });
/** Puts an agent on main back to the version that runs. */
export const revertAgent = (agent: AgentName) => post("revertAgent", { agent });
/** Signs an agent in, step by step. @returns the link that was asked for; none in any other step */
export async function loginAgent(agent: AgentName, step: LoginStep): Promise<string | null> {
  const answer = await post("loginAgent", { agent, step }, loginWithinMs);
  return z.object({ url: z.url({ protocol: /^https$/ }).nullable() }).parse(answer).url;
}
/** Lets a parked agent go on. */
export const unparkAgent = (agent: AgentName) => post("unparkAgent", { agent });
/** Lets two agents write to each other that rest. */
export const liftPairRest = ({ one, other }: Pair) => post("liftPairRest", { one, other });

/** @throws ZodError when this page is older than the hive, and does not know what it sends. */
export async function readState(): Promise<HiveState> {
  return HiveState.parse(await post("readState", {}));
}

/** @throws Refusal as hived or hive-web said it; Fault when there is no answer, or it is no fault of the page. */
async function post(name: string, body: unknown, withinMs = answerWithinMs): Promise<unknown> {
  const answer = await fetch(`/api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(withinMs),
  }).catch((error: unknown) => {
    throw new Fault("The hive does not answer. Is it running?", { cause: error });
  });
  const said: unknown = await answer.json().catch((error: unknown) => {
    throw new Fault("The hive's answer broke off.", { cause: error });
  });
  if (answer.ok) return said;
  const refusal = RefusalBody.safeParse(said);
  if (answer.status < 500 && refusal.success) throw Refusal.fromBody(refusal.data);
  const fault = FaultBody.safeParse(said);
  throw new Fault(fault.success ? fault.data.message : `The hive answered ${answer.status}.`);
}
