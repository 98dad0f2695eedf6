import type { AgentName, LaunchId } from "../../contract/names.ts";

/** Who calls is known from the socket that was called, or from the token; a client outside of a sandbox has no launch. */
export type Caller = { agent: AgentName; launch: LaunchId | null };
