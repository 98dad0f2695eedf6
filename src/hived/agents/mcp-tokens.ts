/** The table of tokens with which MCP clients outside of a sandbox call tools as an agent; only hashes are kept. */
import { createHash, randomBytes } from "node:crypto";
import type { McpToken } from "../../contract/mcp-token.ts";
import type { AgentName, EpochMs } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import type { Core } from "../core.ts";
import type { Transaction } from "../database/write.ts";
import { noteIn } from "../events/note.ts";
import { findAgent, requireAgent } from "./agents.ts";

type Row = { id: number; agent: AgentName; created_at: EpochMs; last_used_at: EpochMs | null };

const ADD = "INSERT INTO mcp_tokens (hash, agent, created_at) VALUES (:hash, :agent, :now)";
const LIST = "SELECT id, agent, created_at, last_used_at FROM mcp_tokens ORDER BY agent, id";
const FIND = "SELECT id, agent, created_at, last_used_at FROM mcp_tokens WHERE hash = :hash";
const USE = "UPDATE mcp_tokens SET last_used_at = :now WHERE id = :id";
const REVOKE = "DELETE FROM mcp_tokens WHERE id = :id RETURNING agent";
const REVOKE_ALL = "DELETE FROM mcp_tokens WHERE agent = :agent";

const prefix = "hive_mcp_";
/** A plain hash is enough: nobody guesses 256 bits. */
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

/** Makes one; told to nobody again. @throws Refusal for an agent that is not there */
export const createMcpToken = (core: Core, agent: AgentName): Promise<{ id: number; token: string }> =>
  core.db.write((tx) => {
    if (requireAgent(tx, agent).wish === "destroyed")
      throw new Refusal("agent_destroyed", `${agent} was destroyed.`, "Choose an agent that is there.");
    const token = `${prefix}${randomBytes(32).toString("base64url")}`;
    const { id } = tx.run(ADD, { hash: hashOf(token), agent, now: core.clock.now() });
    noteIn(tx, core, `The operator made token ${id} for an MCP client of ${agent}.`);
    return { id, token };
  });

export const listMcpTokens = (core: Core): McpToken[] =>
  core.db.read((reader) =>
    reader.all<Row>(LIST).map(({ id, agent, created_at, last_used_at }) => ({
      ...{ id, agent },
      createdAt: created_at,
      lastUsedAt: last_used_at,
    })),
  );

/** Ends one at once. @throws Refusal when there is none of that number */
export const revokeMcpToken = (core: Core, id: number): Promise<void> =>
  core.db.write((tx) => {
    const row = tx.get<{ agent: AgentName }>(REVOKE, { id });
    if (!row) throw new Refusal("unknown_token", `There is no token ${id}.`, "Look at `hive token list`.");
    noteIn(tx, core, `The operator revoked token ${id} of an MCP client of ${row.agent}.`);
  });

/** Of an agent that is to be destroyed: one of its name that comes later is another. */
export const revokeMcpTokensOf = (tx: Transaction, agent: AgentName): void => void tx.run(REVOKE_ALL, { agent });

/** That it was used is noted no more often than this. */
const noteUseEveryMs = 60_000;

/** Whose token it is; undefined when it is nobody's. */
export function agentOfMcpToken(core: Core, token: string): AgentName | undefined {
  const row = core.db.read((reader) => {
    const found = reader.get<Row>(FIND, { hash: hashOf(token) });
    return found && findAgent(reader, found.agent)?.wish !== "destroyed" ? found : undefined;
  });
  if (!row) return undefined;
  const now = core.clock.now();
  if (now - (row.last_used_at ?? 0) > noteUseEveryMs) void noteUse(core, row.id, now);
  return row.agent;
}

/** Nobody waits for it, and where it can't be stored the next use tries again. */
async function noteUse({ db, log }: Core, id: number, now: EpochMs): Promise<void> {
  await db
    .write((tx) => void tx.run(USE, { id, now }), { isDurable: false })
    .catch((error: unknown) => log.debug({ err: error }, "the use of a token was not noted"));
}
