-- Whose an entry is that is queued, and until when it waits, is known in memory: what is found by rows is only that it is queued.
DROP INDEX inbox_queued;
DROP INDEX inbox_backoff;
CREATE INDEX inbox_queued ON inbox (id) WHERE state = 'queued';
