/**
 * Changes of an issue or a pull request that both have: text, state, assignees, labels. Each is one transaction with its
 * entry in the timeline and its event. What only pull requests have is in pulls.ts.
 */
import type { Forge } from "../forge.ts";
import { isAtLeast } from "./access-level.ts";
import { type CommentDetail, type CommentKind, insertComment } from "./comments.ts";
import { emit, type IssueEvent } from "./events.ts";
import { addAssignee, assigneesOf, type Issue, type IssueState, removeAssignee, updateIssue } from "./issues.ts";
import { attachLabel, detachLabel, type Label, labelsOfIssue } from "./labels.ts";
import { type Access, accessOf, unitOf } from "./permissions.ts";
import { Refusal } from "./refusal.ts";
import { type Repo, requireRepo } from "./repos.ts";
import { allUsers, type User, userByName } from "./users.ts";

/** What happened, without where and by whom: the same words for issues and pull requests. */
type Happening = WithoutPlace<Extract<IssueEvent, { kind: "issue" }>>;
type WithoutPlace<Event> = Event extends unknown ? Omit<Event, "kind" | "repoId" | "issueId" | "actorId"> : never;

/** Who wrote the issue or may write its unit. */
export const mayEdit = (user: User, issue: Issue, access: Access): boolean =>
  issue.author_id === user.id || isAtLeast(access[unitOf(issue)], "write");

/** @throws Refusal 403 for everybody else */
export function demandEditor(user: User, issue: Issue, access: Access): void {
  if (!mayEdit(user, issue, access)) throw new Refusal(403, "user should have a permission to write to this issue");
}

/** As Forgejo, an empty title changes nothing. */
export function changeIssueText(
  forge: Forge,
  actor: User,
  issue: Issue,
  text: { title?: string | undefined; body?: string | undefined },
): Issue {
  const title = text.title || issue.title;
  const body = text.body ?? issue.body;
  if (title === issue.title && body === issue.body) return issue;
  return forge.db.write(() => {
    const changed = updateIssue(forge.db, issue.id, { title, body }, forge.now());
    if (title !== issue.title)
      record(forge, actor, issue, "change_title", { old_title: issue.title, new_title: title });
    tell(forge, actor, issue, {
      action: "edited",
      changes: {
        ...(title === issue.title ? {} : { title: { from: issue.title } }),
        ...(body === issue.body ? {} : { body: { from: issue.body } }),
      },
    });
    return changed;
  });
}

export function setDueDate(forge: Forge, issue: Issue, dueAt: number | null): Issue {
  return forge.db.write(() => updateIssue(forge.db, issue.id, { due_at: dueAt }, forge.now()));
}

/** Closes or opens again. What else a pull request needs for it is in pulls.ts, which calls this. */
export function setIssueState(forge: Forge, actor: User, issue: Issue, state: IssueState): Issue {
  if (issue.state === state) return issue;
  return forge.db.write(() => {
    const closedAt = state === "closed" ? forge.now() : null;
    const changed = updateIssue(forge.db, issue.id, { state, closed_at: closedAt }, forge.now());
    record(forge, actor, issue, state === "closed" ? "close" : "reopen");
    tell(forge, actor, issue, { action: state === "closed" ? "closed" : "reopened" });
    return changed;
  });
}

/**
 * The users that are meant to work on an issue, by their names.
 * @throws Refusal 422 unknown, or without the right to read pull requests or to write anything
 */
export function assignable(forge: Forge, issue: Pick<Issue, "repo_id">, names: readonly string[]): User[] {
  const repo = requireRepo(forge.db, issue.repo_id);
  return names.map((name) => {
    const user = userByName(forge.db, name);
    if (!user) throw new Refusal(422, `Assignee does not exist: [name: ${name.slice(0, 100)}]`);
    if (!mayWork(forge, repo, user))
      throw new Refusal(422, `user does not have access to the repository [user: ${user.name}]`);
    return user;
  });
}

/** Everybody who can be assigned in a repository. */
export const assignableIn = (forge: Forge, repo: Repo): User[] =>
  allUsers(forge.db).filter((user) => mayWork(forge, repo, user));

function mayWork(forge: Forge, repo: Repo, user: User): boolean {
  const access = accessOf(forge.db, user, repo);
  return isAtLeast(access.pulls, "read") || isAtLeast(access.code, "write") || isAtLeast(access.issues, "write");
}

/** Afterwards exactly these users are assigned. */
export function setAssignees(forge: Forge, actor: User, issue: Issue, users: readonly User[]): void {
  forge.db.write(() => {
    const present = assigneesOf(forge.db, issue.id);
    for (const user of present.filter((one) => !users.some((other) => other.id === one.id))) {
      removeAssignee(forge.db, issue.id, user.id);
      record(forge, actor, issue, "assignees", { assignee_id: user.id, is_removed: true });
      tell(forge, actor, issue, { action: "unassigned", assigneeId: user.id });
    }
    for (const user of users.filter((one) => !present.some((other) => other.id === one.id))) {
      addAssignee(forge.db, issue.id, user.id);
      record(forge, actor, issue, "assignees", { assignee_id: user.id });
      tell(forge, actor, issue, { action: "assigned", assigneeId: user.id });
    }
  });
}

/** Adds labels; those that the issue has already are left alone. */
export function addLabels(forge: Forge, actor: User, issue: Issue, labels: readonly Label[]): void {
  forge.db.write(() => {
    const before = labelsOfIssue(forge.db, issue.id);
    for (const label of labels) attachLabel(forge.db, issue.id, label);
    recordLabels(forge, actor, issue, before);
  });
}

/** Afterwards exactly these labels are on the issue. */
export function replaceLabels(forge: Forge, actor: User, issue: Issue, labels: readonly Label[]): void {
  forge.db.write(() => {
    const before = labelsOfIssue(forge.db, issue.id);
    for (const label of before) detachLabel(forge.db, issue.id, label.id);
    for (const label of labels) attachLabel(forge.db, issue.id, label);
    recordLabels(forge, actor, issue, before);
  });
}

/** A label that left is recorded too, whether it was taken off or driven out by an exclusive one. */
function recordLabels(forge: Forge, actor: User, issue: Issue, before: readonly Label[]): void {
  const after = labelsOfIssue(forge.db, issue.id);
  const gone = before.filter((label) => !after.some((other) => other.id === label.id));
  const come = after.filter((label) => !before.some((other) => other.id === label.id));
  if (gone.length + come.length === 0) return;
  for (const label of gone) record(forge, actor, issue, "label", { label_id: label.id, is_removed: true });
  for (const label of come) record(forge, actor, issue, "label", { label_id: label.id });
  tell(forge, actor, issue, { action: after.length === 0 ? "label_cleared" : "label_updated" });
}

function record(forge: Forge, actor: User, issue: Issue, kind: CommentKind, detail: CommentDetail = {}): void {
  insertComment(forge.db, { issue, author: actor, kind, detail, now: forge.now() });
}

function tell(forge: Forge, actor: User, issue: Issue, happening: Happening): void {
  const where = { repoId: issue.repo_id, issueId: issue.id, actorId: actor.id };
  if (issue.is_pull) emit(forge, { kind: "pull_request", ...where, ...happening });
  else emit(forge, { kind: "issue", ...where, ...happening });
}
