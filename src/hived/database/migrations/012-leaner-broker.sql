-- The entries of a message are numbered one after the other, from `first_entry` to `last_entry`: so no index has to know.
ALTER TABLE messages ADD COLUMN first_entry INTEGER;
ALTER TABLE messages ADD COLUMN last_entry INTEGER;
UPDATE messages SET (first_entry, last_entry) = (SELECT min(id), max(id) FROM inbox WHERE message = messages.id);
DROP INDEX inbox_message;

-- How much two agents write to each other is kept in memory; a pair has a row while it rests.
DELETE FROM pairs WHERE rests_until IS NULL;
DROP INDEX pairs_resting;
ALTER TABLE pairs DROP COLUMN level;
ALTER TABLE pairs DROP COLUMN at;

-- Whom address `manager` reaches.
CREATE INDEX agents_manager ON agents (name) WHERE role = 'manager';
