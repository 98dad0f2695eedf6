-- What a proposal was judged by besides its head: the branch that it is against, the hive's manager, and "draft" where its title
-- says so, with spaces between. What was judged before this was is taken as judged by what is there now.
ALTER TABLE approvals ADD COLUMN circumstances TEXT NOT NULL DEFAULT '';
UPDATE approvals SET circumstances = 'main ' ||
  coalesce((SELECT name FROM agents WHERE role = 'manager' AND wish <> 'destroyed' ORDER BY name LIMIT 1), '');

-- `seen_entry` is null where nothing was seen to yet, and what is older than `seen_at` is not to be told.
CREATE TABLE pull_places_new (
  repo TEXT NOT NULL,
  number INTEGER NOT NULL,
  seen_entry INTEGER,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (repo, number)
) STRICT, WITHOUT ROWID;
INSERT INTO pull_places_new SELECT * FROM pull_places;
INSERT INTO pull_places_new SELECT 'hive/agents', number, NULL, unixepoch() * 1000 FROM approvals;
DROP TABLE pull_places;
ALTER TABLE pull_places_new RENAME TO pull_places;
