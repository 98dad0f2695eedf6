-- Boxes are ticked in a comment of the bot's, no longer in the asker's own text: open questions get that comment, too.
INSERT OR IGNORE INTO work (kind, key, due_at)
  SELECT 'post-question', CAST(id AS TEXT), 0 FROM questions WHERE state = 'open' AND options <> '[]';
