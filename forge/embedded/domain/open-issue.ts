/** Opening an issue. Who may only read may open one too, but neither label, assign nor date it. */
import type { Forge } from "../forge.ts";
import { isAtLeast } from "./access-level.ts";
import { addLabels, assignable, setAssignees, setDueDate, setIssueState } from "./edit-issue.ts";
import { emit } from "./events.ts";
import { type Issue, insertIssue, requireIssue } from "./issues.ts";
import { usableLabels } from "./labels.ts";
import { type Access, demand } from "./permissions.ts";
import { Refusal } from "./refusal.ts";
import { type Repo, touchRepo } from "./repos.ts";
import type { User } from "./users.ts";

export interface IssueWish {
  title: string;
  body: string;
  /** Names. */
  assignees: string[];
  /** Ids. Unknown ones are ignored, as in Forgejo. */
  labels: number[];
  ref: string;
  due_at: number | null;
  closed: boolean;
}

/** @throws Refusal 404 without read, 422 empty title or unsuitable assignee */
export function openIssue(forge: Forge, author: User, repo: Repo, access: Access, wish: IssueWish): Issue {
  demand(access, "issues", "read");
  if (wish.title.trim() === "") throw new Refusal(422, "[Title]: Required");
  return forge.db.write(() => {
    const { title, body, ref } = wish;
    const issue = insertIssue(forge.db, { repo, author, is_pull: false, title, body, ref, now: forge.now() });
    touchRepo(forge.db, repo, forge.now());
    const mayWrite = isAtLeast(access.issues, "write");
    if (mayWrite) setAssignees(forge, author, issue, assignable(forge, issue, wish.assignees));
    if (mayWrite && wish.due_at !== null) setDueDate(forge, issue, wish.due_at);
    emit(forge, { kind: "issue", action: "opened", repoId: repo.id, issueId: issue.id, actorId: author.id });
    if (mayWrite)
      addLabels(
        forge,
        author,
        issue,
        usableLabels(forge.db, repo).filter((label) => wish.labels.includes(label.id)),
      );
    if (wish.closed) setIssueState(forge, author, requireIssue(forge.db, issue.id), "closed");
    return requireIssue(forge.db, issue.id);
  });
}
