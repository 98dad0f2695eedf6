-- Of each pull request of which somebody was told something: the newest entry of its timeline that was seen to, and when that
-- was made, by the forge's clock.
CREATE TABLE pull_places (
  repo TEXT NOT NULL,
  number INTEGER NOT NULL,
  seen_entry INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (repo, number)
) STRICT, WITHOUT ROWID;

-- Repositories of people who are neither the hive's nor agents, in which agents have pull requests or reviews to give; `reader`
-- is the agent as which it is read.
CREATE TABLE guest_repos (repo TEXT PRIMARY KEY, reader TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Open threads that a turn's prompt has mentioned as old: `repo` is '' where the kind has none. One whose turn ended without a
-- sign that the model had run was not read, and is mentioned again.
CREATE TABLE nudges (
  agent TEXT NOT NULL,
  kind TEXT NOT NULL,
  repo TEXT NOT NULL,
  thread INTEGER NOT NULL,
  turn TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (agent, kind, repo, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX nudges_of_turn ON nudges (turn);
