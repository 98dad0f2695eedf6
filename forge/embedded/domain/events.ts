/**
 * What happens in the forge, told to whoever listens (webhooks). `emit` is called inside the transaction that makes the
 * event true, so that an event is never told without its cause, nor lost with it. Events carry ids: the listener reads
 * the rows, as they are after the change, in the same transaction.
 */
interface Base {
  repoId: number;
  /** Who did it. */
  actorId: number;
}
interface IssueBase extends Base {
  /** Row of table `issues`: an issue or a pull request. */
  issueId: number;
}
interface PullBase extends Base {
  /** Row of tables `issues` and `pulls`. */
  issueId: number;
}

/** 40 zeros in `before` or `after`: the ref did not exist before, or does not exist any more. */
export type RefEvent =
  | (Base & { kind: "push"; ref: string; before: string; after: string; commits: PushedCommit[]; totalCommits: number })
  | (Base & { kind: "create"; ref: string; sha: string })
  | (Base & { kind: "delete"; ref: string; sha: string });

/** Read from git before the transaction, for nothing in it may wait. At most 15, newest first. */
export interface PushedCommit {
  sha: string;
  message: string;
  author: { name: string; email: string };
  committer: { name: string; email: string };
  /** Milliseconds since 1970. */
  committedAt: number;
  added: string[];
  removed: string[];
  modified: string[];
}

export type IssueEvent =
  | (IssueBase & { kind: "issue"; action: "opened" | "closed" | "reopened" | "label_updated" | "label_cleared" })
  | (IssueBase & { kind: "issue"; action: "edited"; changes: Changes })
  | (IssueBase & { kind: "issue"; action: "assigned" | "unassigned"; assigneeId: number })
  | (IssueBase & {
      kind: "issue_comment";
      action: "created" | "edited" | "deleted";
      comment: CommentBrief;
      changes?: Changes;
    });

/** What an edit replaced. */
interface Changes {
  title?: { from: string };
  body?: { from: string };
  ref?: { from: string };
}
/** A comment as it is, or was before its deletion. */
export interface CommentBrief {
  id: number;
  authorId: number;
  body: string;
  createdAt: number;
  updatedAt: number;
}

type PullEvent =
  | (PullBase & {
      kind: "pull_request";
      /** `closed` with pulls.merged_at set is a merge; `synchronized`: the head has moved. */
      action: "opened" | "closed" | "reopened" | "synchronized" | "label_updated" | "label_cleared";
    })
  | (PullBase & { kind: "pull_request"; action: "edited"; changes: Changes })
  | (PullBase & { kind: "pull_request"; action: "assigned" | "unassigned"; assigneeId: number })
  | (PullBase & {
      kind: "pull_request";
      action: "review_requested" | "review_request_removed";
      /** One of both. */
      reviewerId?: number;
      teamId?: number;
    })
  | (PullBase & { kind: "review"; reviewId: number; state: "APPROVED" | "REQUEST_CHANGES" | "COMMENT"; body: string });

type RepositoryEvent = Base & { kind: "repository"; action: "created" | "deleted" };

export type ForgeEvent = RefEvent | IssueEvent | PullEvent | RepositoryEvent;

/** To be called inside `db.write`. A deletion is told before the row goes. */
export function emit(forge: { onEvent: (event: ForgeEvent) => void }, event: ForgeEvent): void {
  forge.onEvent(event);
}
