/** How a conversation with an ACP agent begins: what it is, whether it is signed in, and what it is told of us. */
import {
  type ClientContext,
  type McpServer,
  methods,
  type NewSessionRequest,
  PROTOCOL_VERSION,
  RequestError,
} from "@agentclientprotocol/sdk";
import { z } from "zod";
import type { DriverSpec } from "../../contract/launch.ts";
import type { Profile } from "../profiles/profile.ts";
import { isSignedOut } from "./acp-failure.ts";
import type { Conversation } from "./driver.ts";

/** What an agent is able to, as far as it matters here. */
export type Hello = {
  continuesBy: "session/resume" | "session/load" | null;
  /** it takes what it is told as a part of its own instructions */
  takesInstructions: boolean;
  /** names of the ways to sign in to it */
  signIns: string[];
};

const Capabilities = z.object({
  loadSession: z.boolean().nullish().catch(null),
  sessionCapabilities: z
    .object({
      resume: z.looseObject({}).nullish().catch(null),
      /** not in the stable protocol yet, but Codex' and Claude's adapters have it (2.6.0, 0.101.0) */
      systemPrompt: z.looseObject({}).nullish().catch(null),
    })
    .nullish()
    .catch(null),
});

/** @throws Error when it speaks another version of the protocol */
export async function greet(agent: ClientContext): Promise<Hello> {
  const { agentCapabilities, authMethods, protocolVersion } = await agent.request(methods.agent.initialize, {
    protocolVersion: PROTOCOL_VERSION,
    // JetBrains' extension: without it Codex' adapter ends a turn that failed as if nothing was (2.6.0).
    clientCapabilities: { _meta: { jetbrains: { air: { version: 1, capabilities: ["sessionFailure"] } } } },
    clientInfo: { name: "hyperhive", version: "1" },
  });
  if (protocolVersion !== PROTOCOL_VERSION)
    throw new Error(`it speaks version ${protocolVersion} of the protocol, not ${PROTOCOL_VERSION}`);
  const able = Capabilities.safeParse(agentCapabilities ?? {}).data;
  return {
    continuesBy: able?.sessionCapabilities?.resume ? "session/resume" : able?.loadSession ? "session/load" : null,
    takesInstructions: Boolean(able?.sessionCapabilities?.systemPrompt),
    signIns: (authMethods ?? []).map(({ name }) => name),
  };
}

/** Of a conversation's id, in characters: it is kept with the agent and each of its turns. */
const longestId = 200;

export type Opened = {
  session: string;
  how: Conversation["how"];
  /** what the agent says of its settings */
  configured: unknown;
};

/**
 * Continues the spec's conversation, or begins a new one.
 * @throws RequestError with what the agent answers instead: see `isSignedOut`
 */
export async function openSession(
  agent: ClientContext,
  {
    spec,
    hello,
    profile,
    told,
  }: { spec: Extract<DriverSpec, { kind: "acp" }>; hello: Hello; profile: Profile; told: string },
): Promise<Opened> {
  const request = {
    cwd: spec.cwd,
    mcpServers: spec.mcpServers.map(toMcpServer),
    ...(hello.takesInstructions && { systemPrompt: { mode: "append", content: [{ type: "text", text: told }] } }),
    ...profile.sessionRequest(spec.plugin),
  };
  if (spec.session !== null && hello.continuesBy !== null) {
    const there = await ifThere(agent.request<unknown>(hello.continuesBy, { ...request, sessionId: spec.session }));
    if (there) return { session: spec.session, how: "continued", configured: there.answer };
  }
  const configured = await beginSession(agent, request, profile.signIn);
  if (configured.sessionId.length > longestId)
    throw new Error(`the id of its conversation has ${configured.sessionId.length} characters`);
  return { session: configured.sessionId, how: spec.session === null ? "new" : "lost", configured };
}

/** @param signIn how it is signed in when it refuses, with what its environment has */
async function beginSession(agent: ClientContext, request: NewSessionRequest, signIn: string | null) {
  const begin = () => agent.request(methods.agent.session.new, request);
  try {
    return await begin();
  } catch (error) {
    if (signIn === null || !isSignedOut(error)) throw error;
    const signedIn = await ifThere(agent.request(methods.agent.authenticate, { methodId: signIn }));
    if (!signedIn) throw error;
    return begin();
  }
}

const toMcpServer = ({ name, command, args, env }: DriverSpec["mcpServers"][number]): McpServer => ({
  name,
  command,
  args,
  env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
});

/** The answer, when there is one: agents lose their conversations in many ways, and say so with any error but one. */
async function ifThere(asked: Promise<unknown>): Promise<{ answer: unknown } | undefined> {
  try {
    return { answer: await asked };
  } catch (error) {
    if (error instanceof RequestError && !isSignedOut(error)) return undefined;
    throw error;
  }
}
