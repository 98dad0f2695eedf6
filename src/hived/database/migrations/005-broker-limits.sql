-- How two agents write to each other; `one` is the name that comes first. `level` counts their letters, as of `at`, and falls
-- steadily with time. They may not write to each other before `rests_until`; null when they may.
CREATE TABLE pairs (
  one TEXT NOT NULL, other TEXT NOT NULL, level REAL NOT NULL, at INTEGER NOT NULL, rests_until INTEGER,
  PRIMARY KEY (one, other)
) STRICT, WITHOUT ROWID;
CREATE INDEX pairs_resting ON pairs (one) WHERE rests_until IS NOT NULL;

-- How many turns an agent has had within an hour.
CREATE INDEX turns_of_agent ON turns (agent, started_at);

-- The operator looks for dead letters, retention for what has been settled for long.
CREATE INDEX inbox_dead ON inbox (id) WHERE state = 'dead';
CREATE INDEX inbox_settled ON inbox (settled_at) WHERE state IN ('handled', 'cancelled', 'read');
