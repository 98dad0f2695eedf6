/**
 * All that the forge should have, in the order in which it can be made: the one list that provisioning makes so and that a
 * check looks at.
 */
import type { AgentRole } from "../../contract/agent.ts";
import type { ForgeHealth } from "../../contract/facts.ts";
import type { AgentName } from "../../contract/names.ts";
import { listAgents } from "../agents/agents.ts";
import { type AccountParts, accountPiece, operatorPiece } from "./accounts.ts";
import type { Piece } from "./difference.ts";
import { hookPiece } from "./hooks.ts";
import {
  agentTeamsPiece,
  collaboratorsPiece,
  labelPieces,
  membersPiece,
  orgPiece,
  type Roster,
  repoPiece,
  teamsPiece,
} from "./organizations.ts";
import { agentAccount, botAccount, organizations, seeds } from "./plan.ts";
import { extraRulesPiece, protectionPiece } from "./protection.ts";
import { seedPiece } from "./seed.ts";
import { signInAppPiece } from "./sign-in-app.ts";

export type LayoutParts = AccountParts & {
  kind: ForgeHealth["kind"];
  /** where the forge delivers webhooks to */
  hookUrl: string;
  dashboardUrl: string;
  /** the directory that holds our package.json, with seeds/, templates/ and forge/ */
  program: string;
};

export type KnownAgent = { name: AgentName; role: AgentRole };

export const knownAgents = ({ core }: LayoutParts): KnownAgent[] =>
  core.db.read(listAgents).filter(({ wish }) => wish !== "destroyed");

/** Stages, each of pieces that do not need each other; agents come after them, see `agentPieces`. */
export function layout(parts: LayoutParts): Piece[][] {
  const { core, forge, program } = parts;
  const repos = organizations.flatMap((organization) => organization.repos);
  return [
    [operatorPiece(parts), accountPiece(parts, botAccount)],
    organizations.map((organization) => orgPiece(core, forge, organization)),
    // Teams first: whatever comes into being after them is theirs from the start.
    organizations.map((organization) => teamsPiece(forge, organization)),
    [
      ...organizations.map((organization) => membersPiece(forge, organization, () => knownAgents(parts))),
      ...repos.map((repo) => repoPiece(forge, repo)),
    ],
    // Whoever and whatever stands beside the teams and our rule may stand in the way of what comes next.
    repos.flatMap(({ repo }) => [collaboratorsPiece(forge, repo), extraRulesPiece(forge, repo)]),
    seeds.map((seed) => seedPiece(forge, program, seed)),
    // The rule lets nobody but the operator push, and takes only those who have access by then.
    [protectionPiece(forge), ...labelPieces(forge, program), ...hookPieces(parts), signInAppPiece(parts)],
  ];
}

/** A forge of our own has one hook for everything; on a stranger's we listen to our organizations and users alone. */
function hookPieces(parts: LayoutParts): Piece[] {
  const admin = parts.forge.as("hive-admin");
  if (parts.kind !== "external") return [hookPiece(parts, admin, { kind: "system" }, "system")];
  return organizations.map(({ name }) => hookPiece(parts, admin, { kind: "org", org: name }, name));
}

/** What an agent should have on the forge, in the order in which it can be made. */
export function agentPieces(parts: LayoutParts, { name, role }: KnownAgent, roster?: Roster): Piece[] {
  const { forge, kind } = parts;
  const hook = kind === "external" ? [hookPiece(parts, forge.as(name), { kind: "user" }, name)] : [];
  return [accountPiece(parts, agentAccount(name)), agentTeamsPiece(forge, name, role, roster), ...hook];
}
