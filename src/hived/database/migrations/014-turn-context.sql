-- How full the conversation was at a turn's end, as JSON of `tokens` and `window`; null where the agent does not say.
ALTER TABLE turns ADD COLUMN context TEXT;
