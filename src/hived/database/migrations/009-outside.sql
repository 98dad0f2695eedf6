-- Tokens of MCP clients outside of a sandbox, each for one agent. Kept as SHA-256 hashes only.
CREATE TABLE mcp_tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL UNIQUE, agent TEXT NOT NULL, created_at INTEGER NOT NULL,
  last_used_at INTEGER
) STRICT;

-- What such a client has received and not acknowledged: the leased inbox entries whose `turn` is this id, which no turn has.
CREATE TABLE outside_leases (id TEXT PRIMARY KEY, agent TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX outside_leases_of_agent ON outside_leases (agent);
