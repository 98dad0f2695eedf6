-- Of each pull request of which somebody was told something: the newest entry of its timeline that was seen to, and when that
-- was made, by the forge's clock.
CREATE TABLE pull_places (
  repo TEXT NOT NULL,
  number INTEGER NOT NULL,
  seen_entry INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (repo, number)
) WITHOUT ROWID;
