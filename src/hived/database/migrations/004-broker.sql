-- Due at once is 0, and no time: so nothing that waits depends on a clock that was set back. What waits for a time is few,
-- and looked up by it, however many are queued behind it.
UPDATE inbox SET not_before = 0 WHERE state = 'queued' AND failures = 0;
CREATE INDEX inbox_backoff ON inbox (recipient, not_before) WHERE state = 'queued' AND not_before > 0;
