/** Where in the dashboard somebody is, as the page's address says it. */
import { AgentName, TurnId } from "../contract/names.ts";

export type Place =
  | { kind: "front" }
  | { kind: "agent"; agent: AgentName }
  | { kind: "turn"; agent: AgentName; turn: TurnId };

export const agentPath = (agent: string): string => `/agents/${agent}`;
export const turnPath = (agent: string, turn: string): string => `/agents/${agent}/turns/${turn}`;

/** The place of an address; whatever is none is the front page. */
export function placeOf(path: string): Place {
  const [, first, name, second, id, ...more] = path.split("/");
  const agent = AgentName.safeParse(name).data;
  if (first !== "agents" || !agent || more.length > 0) return { kind: "front" };
  if (second === undefined) return { kind: "agent", agent };
  const turn = TurnId.safeParse(id).data;
  return second === "turns" && turn ? { kind: "turn", agent, turn } : { kind: "front" };
}
