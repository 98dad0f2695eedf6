-- The entries that are leased tell which turns run, and so who works: a turn gets its row when it ends.
DELETE FROM turns WHERE ended_at IS NULL;
DROP INDEX turns_running;
UPDATE agents SET state = 'idle' WHERE state = 'working';
ALTER TABLE agents DROP COLUMN turn;
