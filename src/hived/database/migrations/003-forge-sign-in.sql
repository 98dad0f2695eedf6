-- A browser that was sent to the forge to sign in: `hash` is of the ticket that its cookie holds. A row is used up by the
-- browser's return, whatever comes of it.
CREATE TABLE forge_sign_ins (
  hash TEXT PRIMARY KEY, state TEXT NOT NULL, nonce TEXT NOT NULL, verifier TEXT NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
