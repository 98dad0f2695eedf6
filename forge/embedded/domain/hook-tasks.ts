/** Table `hook_tasks`: each a delivery of one event to one hook. */
import { randomUUID } from "node:crypto";
import type { Database } from "../database/open.ts";

export interface HookTask {
  id: number;
  hook_id: number;
  uuid: string;
  /** Coarse name. */
  event: string;
  /** Fine name, which hooks subscribe. */
  event_type: string;
  /** JSON text; it is what is signed. */
  payload: string;
  is_delivered: number;
  outcome: string;
  created_at: number;
}

export function insertHookTask(
  db: Database,
  task: { hook_id: number; event: string; event_type: string; payload: string; now: number },
): void {
  db.run(
    `INSERT INTO hook_tasks (hook_id, uuid, event, event_type, payload, created_at)
     VALUES (:hook_id, :uuid, :event, :event_type, :payload, :now)`,
    { ...task, uuid: randomUUID() },
  );
}

/**
 * Takes the oldest delivery that was never attempted. The mark is set before the request, as in Forgejo: what a crash
 * interrupts is not tried again, and nothing is sent twice.
 */
export const takeHookTask = (db: Database): HookTask | undefined =>
  db.get<HookTask>(
    `UPDATE hook_tasks SET is_delivered = 1
     WHERE id = (SELECT min(id) FROM hook_tasks WHERE is_delivered = 0) RETURNING *`,
  );

export function recordOutcome(db: Database, task: HookTask, outcome: string): void {
  db.run("UPDATE hook_tasks SET outcome = :outcome WHERE id = :id", { id: task.id, outcome: outcome.slice(0, 1000) });
}

/** Forgets attempted deliveries that were made before this moment. */
export function forgetHookTasks(db: Database, before: number): void {
  db.run("DELETE FROM hook_tasks WHERE is_delivered = 1 AND created_at < :before", { before });
}
