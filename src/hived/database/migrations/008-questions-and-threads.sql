-- How a question ends, and what was said. `outcome` is answered, unanswered, expired or cancelled; `closed_in` is where that
-- happened, forge or hive: what happened here has still to be said there. `answer_comment` is the comment that answered
-- (0: its ticked boxes), `answer_source` what it said when it was last looked at.
ALTER TABLE questions ADD COLUMN context TEXT;
ALTER TABLE questions ADD COLUMN deadline INTEGER;
ALTER TABLE questions ADD COLUMN outcome TEXT;
ALTER TABLE questions ADD COLUMN answer TEXT;
ALTER TABLE questions ADD COLUMN answered_by TEXT;
ALTER TABLE questions ADD COLUMN answer_comment INTEGER;
ALTER TABLE questions ADD COLUMN answer_source TEXT;
ALTER TABLE questions ADD COLUMN closed_in TEXT;
-- The newest comment that was seen to, of the issue that was made at `issue_at`: one that was moved to another forge is
-- another issue, and its comments have other ids. NULL: all that are there were seen.
ALTER TABLE questions ADD COLUMN seen_comment INTEGER DEFAULT 0;
ALTER TABLE questions ADD COLUMN issue_at INTEGER;
UPDATE questions SET seen_comment = NULL, closed_in = 'forge' WHERE state = 'closed';

-- What is open is few, whatever was settled: each list of somebody's open threads is read from one of these, in its order,
-- and counted in it alone, which takes the columns of its condition.
CREATE INDEX questions_open ON questions (opened_at, target, state) WHERE state <> 'closed';
CREATE INDEX questions_open_of_asker ON questions (asker, opened_at, state) WHERE state <> 'closed';
CREATE INDEX questions_open_of_target ON questions (target, opened_at, state) WHERE state <> 'closed';
CREATE INDEX approvals_open ON approvals (opened_at, state)
  WHERE state IN ('opened', 'invalid', 'waiting', 'changes_requested', 'preparing', 'merging', 'converging', 'refused');
CREATE INDEX approvals_open_of_submitter ON approvals (submitter, opened_at, state)
  WHERE state IN ('opened', 'invalid', 'waiting', 'changes_requested', 'preparing', 'merging', 'converging', 'refused');
CREATE INDEX pulls_open ON forge_items (created_at, reviewers, state, kind)
  WHERE state = 'open' AND kind = 'pull' AND repo <> 'hive/agents';
CREATE INDEX pulls_open_of_author ON forge_items (author, created_at, reviewers, state, kind)
  WHERE state = 'open' AND kind = 'pull' AND repo <> 'hive/agents';
CREATE INDEX pulls_in_review ON forge_items (created_at, reviewers, state, kind)
  WHERE state = 'open' AND kind = 'pull' AND repo <> 'hive/agents' AND reviewers <> '[]';
DROP INDEX forge_items_open;
