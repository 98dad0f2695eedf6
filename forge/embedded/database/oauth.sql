-- Signing in to other programs with an account of this forge (OAuth2). Secrets are random, so a sha256 of each is enough.

CREATE TABLE oauth_apps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  client_id TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL,
  is_confidential INTEGER NOT NULL,
  redirect_uris TEXT NOT NULL, -- JSON array
  created_at INTEGER NOT NULL
);
CREATE INDEX oauth_apps_by_user ON oauth_apps (user_id);

-- What a user has allowed an application, once for all its sign-ins.
CREATE TABLE oauth_grants (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id INTEGER NOT NULL REFERENCES oauth_apps (id) ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  scope TEXT NOT NULL, -- as asked for, with spaces between
  UNIQUE (app_id, user_id)
);

CREATE TABLE oauth_codes (
  hash TEXT PRIMARY KEY,
  grant_id INTEGER NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  redirect_uri TEXT NOT NULL,
  challenge TEXT NOT NULL, -- PKCE S256; empty: none was given
  nonce TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

-- A refresh token is used up by its use, which makes the next one.
CREATE TABLE oauth_tokens (
  hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
  grant_id INTEGER NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX oauth_tokens_by_grant ON oauth_tokens (grant_id);
