-- The embedded forge's whole state but the git repositories. Moments (_at) are milliseconds since 1970; truth values are 0 or 1.
-- Users and organizations share one name space and hence one table, as in Forgejo.

CREATE TABLE users (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'org')),
  name TEXT NOT NULL,
  lower_name TEXT NOT NULL UNIQUE,
  full_name TEXT NOT NULL DEFAULT '',
  email TEXT NOT NULL DEFAULT '',
  password_hash TEXT, -- scrypt, see domain/passwords.ts; null: cannot sign in with a password
  description TEXT NOT NULL DEFAULT '',
  website TEXT NOT NULL DEFAULT '',
  location TEXT NOT NULL DEFAULT '',
  visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'limited', 'private')),
  is_admin INTEGER NOT NULL DEFAULT 0,
  is_active INTEGER NOT NULL DEFAULT 1,
  is_restricted INTEGER NOT NULL DEFAULT 0,
  prohibit_login INTEGER NOT NULL DEFAULT 0,
  must_change_password INTEGER NOT NULL DEFAULT 0,
  allow_create_organization INTEGER NOT NULL DEFAULT 0,
  max_repo_creation INTEGER NOT NULL DEFAULT -1, -- -1: no limit
  repo_admin_change_team_access INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  last_login_at INTEGER
);
CREATE UNIQUE INDEX users_by_email ON users (lower(email)) WHERE email <> '';

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE, -- sha256 of the 40 hex digits, which are random: no salt is needed
  last_eight TEXT NOT NULL,
  scopes TEXT NOT NULL, -- JSON array
  created_at INTEGER NOT NULL,
  UNIQUE (user_id, name)
);

CREATE TABLE sign_in_links (
  hash TEXT PRIMARY KEY, -- sha256 of the secret
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
);

CREATE TABLE sessions (
  hash TEXT PRIMARY KEY, -- sha256 of the cookie's value
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
);

CREATE TABLE teams (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  org_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  lower_name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  permission TEXT NOT NULL CHECK (permission IN ('none', 'read', 'write', 'admin', 'owner')),
  units TEXT NOT NULL, -- JSON object: unit name to none|read|write|admin
  includes_all_repositories INTEGER NOT NULL DEFAULT 0,
  can_create_org_repo INTEGER NOT NULL DEFAULT 0,
  UNIQUE (org_id, lower_name)
);
CREATE TABLE team_members (
  team_id INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (team_id, user_id)
) WITHOUT ROWID;
CREATE INDEX team_members_by_user ON team_members (user_id);
CREATE TABLE team_repos (
  team_id INTEGER NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  PRIMARY KEY (team_id, repo_id)
) WITHOUT ROWID;

CREATE TABLE repos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id INTEGER NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  lower_name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  website TEXT NOT NULL DEFAULT '',
  is_private INTEGER NOT NULL DEFAULT 1,
  is_empty INTEGER NOT NULL DEFAULT 1,
  is_archived INTEGER NOT NULL DEFAULT 0,
  is_template INTEGER NOT NULL DEFAULT 0,
  default_branch TEXT NOT NULL,
  settings TEXT NOT NULL DEFAULT '{}', -- JSON: units switched off and merge styles, see domain/repos.ts
  next_number INTEGER NOT NULL DEFAULT 1, -- of the next issue or pull request; never given out twice
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (owner_id, lower_name)
);
CREATE TABLE collaborators (
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  permission TEXT NOT NULL CHECK (permission IN ('read', 'write', 'admin')),
  PRIMARY KEY (repo_id, user_id)
) WITHOUT ROWID;

CREATE TABLE issues (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  is_pull INTEGER NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL DEFAULT '',
  author_id INTEGER NOT NULL REFERENCES users (id),
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  ref TEXT NOT NULL DEFAULT '',
  due_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  closed_at INTEGER,
  UNIQUE (repo_id, number)
);
CREATE INDEX issues_by_update ON issues (updated_at);
CREATE TABLE issue_assignees (
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  PRIMARY KEY (issue_id, user_id)
) WITHOUT ROWID;
CREATE INDEX issue_assignees_by_user ON issue_assignees (user_id);
CREATE TABLE issue_labels (
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  label_id INTEGER NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
  PRIMARY KEY (issue_id, label_id)
) WITHOUT ROWID;

CREATE TABLE labels (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE, -- one of repo_id and org_id
  org_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  color TEXT NOT NULL, -- six hex digits, no #
  description TEXT NOT NULL DEFAULT '',
  is_exclusive INTEGER NOT NULL DEFAULT 0,
  is_archived INTEGER NOT NULL DEFAULT 0,
  CHECK ((repo_id IS NULL) <> (org_id IS NULL))
);

-- What happened on an issue, oldest first. kind 'comment' is what a person wrote; the others are the timeline's events.
CREATE TABLE comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  author_id INTEGER NOT NULL REFERENCES users (id),
  body TEXT NOT NULL DEFAULT '',
  review_id INTEGER REFERENCES reviews (id) ON DELETE CASCADE,
  detail TEXT NOT NULL DEFAULT '{}', -- JSON, by kind: {old_ref, new_ref}, {label_id}, {assignee}, {old, new}
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX comments_by_issue ON comments (issue_id, id);

CREATE TABLE pulls (
  issue_id INTEGER PRIMARY KEY REFERENCES issues (id) ON DELETE CASCADE,
  flow INTEGER NOT NULL, -- 0: from a branch of the same repository, 1: AGit
  base_branch TEXT NOT NULL,
  head_branch TEXT NOT NULL, -- the branch (flow 0), or user/topic (flow 1)
  base_sha TEXT NOT NULL, -- tip of the base branch, frozen by merge or close
  head_sha TEXT NOT NULL, -- equals refs/pull/NUMBER/head
  merge_base TEXT NOT NULL,
  conflict TEXT NOT NULL CHECK (conflict IN ('none', 'conflict', 'empty', 'unrelated')),
  additions INTEGER NOT NULL DEFAULT 0,
  deletions INTEGER NOT NULL DEFAULT 0,
  changed_files INTEGER NOT NULL DEFAULT 0,
  allow_maintainer_edit INTEGER NOT NULL DEFAULT 0,
  merge_intent TEXT, -- JSON {commit, by, at}: written before the base branch moves, finished or dropped at the next start
  merged_at INTEGER,
  merged_by INTEGER REFERENCES users (id),
  merge_commit TEXT
);

CREATE TABLE reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL REFERENCES issues (id) ON DELETE CASCADE,
  reviewer_id INTEGER REFERENCES users (id), -- one of reviewer_id and team_id; only a request names a team
  team_id INTEGER REFERENCES teams (id) ON DELETE CASCADE,
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'REQUEST_CHANGES', 'COMMENT', 'REQUEST_REVIEW')),
  body TEXT NOT NULL DEFAULT '',
  commit_id TEXT NOT NULL DEFAULT '',
  official INTEGER NOT NULL DEFAULT 0, -- decided when the review is given
  stale INTEGER NOT NULL DEFAULT 0,
  dismissed INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX reviews_by_issue ON reviews (issue_id, id);
CREATE INDEX reviews_by_reviewer ON reviews (reviewer_id, state);
CREATE TABLE review_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  review_id INTEGER NOT NULL REFERENCES reviews (id) ON DELETE CASCADE,
  author_id INTEGER NOT NULL REFERENCES users (id),
  path TEXT NOT NULL,
  line INTEGER NOT NULL, -- of the new file, or negative: of the old file
  body TEXT NOT NULL,
  diff_hunk TEXT NOT NULL DEFAULT '',
  commit_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX review_comments_by_review ON review_comments (review_id, id);

CREATE TABLE protections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  rule_name TEXT NOT NULL, -- a branch name or a glob
  rule TEXT NOT NULL, -- JSON, names as ids, see domain/protection.ts
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (repo_id, rule_name)
);

CREATE TABLE statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos (id) ON DELETE CASCADE,
  sha TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'success', 'error', 'failure', 'warning')),
  context TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  target_url TEXT NOT NULL DEFAULT '',
  creator_id INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL
);
CREATE INDEX statuses_by_commit ON statuses (repo_id, sha, id);

CREATE TABLE hooks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('system', 'default', 'owner', 'repo')), -- owner: of an organization or a user
  owner_id INTEGER REFERENCES users (id) ON DELETE CASCADE,
  repo_id INTEGER REFERENCES repos (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  url TEXT NOT NULL,
  content_type TEXT NOT NULL CHECK (content_type IN ('json', 'form')),
  secret TEXT NOT NULL DEFAULT '',
  authorization_header TEXT NOT NULL DEFAULT '',
  branch_filter TEXT NOT NULL DEFAULT '',
  events TEXT NOT NULL, -- JSON array of fine event names
  is_active INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE hook_tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hook_id INTEGER NOT NULL REFERENCES hooks (id) ON DELETE CASCADE,
  uuid TEXT NOT NULL UNIQUE,
  event TEXT NOT NULL,
  event_type TEXT NOT NULL,
  payload TEXT NOT NULL,
  is_delivered INTEGER NOT NULL DEFAULT 0, -- set before the request: one attempt, no retry, as Forgejo
  outcome TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
);
CREATE INDEX hook_tasks_waiting ON hook_tasks (id) WHERE is_delivered = 0;
