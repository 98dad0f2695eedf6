-- What a turn's record says besides. `messages` is what it held at its end, as JSON, null before; `cost_usd` in US dollars.
ALTER TABLE turns ADD COLUMN trigger_message INTEGER;
ALTER TABLE turns ADD COLUMN trigger_from TEXT;
ALTER TABLE turns ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN messages TEXT;
ALTER TABLE turns ADD COLUMN session TEXT;
ALTER TABLE turns ADD COLUMN model TEXT;
ALTER TABLE turns ADD COLUMN input_tokens INTEGER;
ALTER TABLE turns ADD COLUMN cost_usd REAL;

-- What an agent did in a turn, bounded, as JSON. By a number of its own, so that the oldest are the first to go.
CREATE TABLE turn_logs (id INTEGER PRIMARY KEY AUTOINCREMENT, turn TEXT NOT NULL UNIQUE, log TEXT NOT NULL) STRICT;

-- What goes wrong with an agent, on its row. `canary` is the newest one, as JSON.
ALTER TABLE agents ADD COLUMN dead_letters INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN failed_turns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN lost_wakes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN lost_wake_at INTEGER;
ALTER TABLE agents ADD COLUMN canary TEXT;
UPDATE agents SET dead_letters = (SELECT count(*) FROM inbox WHERE recipient = agents.name AND state = 'dead');

-- Retention looks for launches that ended long ago.
CREATE INDEX launches_old ON launches (ended_at) WHERE ended_at IS NOT NULL;
