-- One life of hived counts up `boot`; it is committed before a socket is opened.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The event log: each fact with the full public row after the change; `kind` is the fact's own.
CREATE TABLE events (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL, fact TEXT NOT NULL
) STRICT;
CREATE INDEX events_notes ON events (sequence) WHERE kind = 'Note';

-- Everything that is due later or may have to be tried again. `again` is set when a row is asked for while its handler
-- runs: it then runs once more. State `failed` is given up; `pending` waits for `due_at`.
CREATE TABLE work (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0, bugs INTEGER NOT NULL DEFAULT 0, again INTEGER NOT NULL DEFAULT 0, last_error TEXT,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'failed')),
  UNIQUE (kind, key)
) STRICT;
CREATE INDEX work_due ON work (due_at, id) WHERE state = 'pending';

-- `config` is the parsed agent.yaml of the tree that runs, as JSON; null until the first deployment is prepared.
-- `session` is the conversation to continue.
CREATE TABLE agents (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, wish TEXT NOT NULL, state TEXT NOT NULL, since INTEGER NOT NULL,
  problem TEXT, running_tree TEXT, wanted_tree TEXT, wanted_commit TEXT, deployment INTEGER, runtime TEXT,
  launch TEXT, turn TEXT, session TEXT, config TEXT, retry_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE launches (
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, tree TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER, problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX launches_alive ON launches (agent) WHERE ended_at IS NULL;

-- One per move of an agent to another tree: tag deployed/<agent>/<number>. `approvals` are the numbers of the merged pull
-- requests that the commit contains and that wait for it, as JSON. `told` is set once its tag, status and messages are out.
CREATE TABLE deployments (
  agent TEXT NOT NULL, number INTEGER NOT NULL, commit_id TEXT NOT NULL, tree TEXT NOT NULL, approvals TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('converging', 'ready', 'failed', 'superseded')), problem TEXT, at INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (agent, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, sender TEXT NOT NULL, recipient TEXT NOT NULL, body TEXT NOT NULL,
  in_reply_to INTEGER, client_id TEXT, sent_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_client ON messages (sender, client_id) WHERE client_id IS NOT NULL;

-- `mark` numbers the `recv` that handed an entry out; null for those that started the turn.
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, message INTEGER NOT NULL REFERENCES messages (id), recipient TEXT NOT NULL,
  state TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0, turn TEXT, mark INTEGER,
  queued_at INTEGER NOT NULL, leased_at INTEGER, settled_at INTEGER, not_before INTEGER NOT NULL, problem TEXT
) STRICT;
CREATE INDEX inbox_queued ON inbox (recipient, id) WHERE state = 'queued';
CREATE INDEX inbox_leased ON inbox (turn) WHERE state = 'leased';
CREATE INDEX inbox_message ON inbox (message);

CREATE TABLE turns (
  id TEXT PRIMARY KEY, agent TEXT NOT NULL, launch TEXT NOT NULL, boot INTEGER NOT NULL, started_at INTEGER NOT NULL,
  ended_at INTEGER, outcome TEXT, evidence TEXT, problem TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX turns_running ON turns (agent) WHERE ended_at IS NULL;
CREATE INDEX turns_started ON turns (started_at);

-- Ids of webhook deliveries that were taken, so that a replay is harmless at once.
CREATE TABLE deliveries (id TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The projection of the forge's issues and pull requests. `reviewers` and `assignees` are JSON arrays of user names;
-- `updated_at` is the forge's own, in whole seconds, as milliseconds.
CREATE TABLE forge_items (
  repo TEXT NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('issue', 'pull')),
  title TEXT NOT NULL, author TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'closed', 'merged')),
  url TEXT NOT NULL, head TEXT, base TEXT, reviewers TEXT NOT NULL, assignees TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (repo, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX forge_items_open ON forge_items (created_at) WHERE state = 'open';

-- `head` is what the state speaks of; `merge_commit` is set once the forge says that it merged.
CREATE TABLE approvals (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, agent TEXT, submitter TEXT NOT NULL, summary TEXT NOT NULL,
  head TEXT NOT NULL, state TEXT NOT NULL, problem TEXT, permissions TEXT NOT NULL, url TEXT NOT NULL,
  opened_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, course TEXT NOT NULL, merge_commit TEXT
) STRICT;

CREATE TABLE questions (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER UNIQUE, asker TEXT NOT NULL, target TEXT NOT NULL,
  question TEXT NOT NULL, options TEXT NOT NULL, multi INTEGER NOT NULL, state TEXT NOT NULL, url TEXT,
  opened_at INTEGER NOT NULL, closed_at INTEGER, client_id TEXT
) STRICT;
CREATE UNIQUE INDEX questions_client ON questions (asker, client_id) WHERE client_id IS NOT NULL;

-- Secrets are kept as SHA-256 hashes only.
CREATE TABLE sign_in_links (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (hash TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
