/**
 * Webhooks: an event becomes a row per hook that subscribes it, in the transaction that makes it true, and is sent after
 * the commit, one delivery at a time, in order. One attempt, no retry, as Forgejo: a receiver has to look for itself
 * what it missed. Rows that were never attempted are sent at the next start.
 */
import { createHmac } from "node:crypto";
import type { ForgeEvent } from "./domain/events.ts";
import { matchesGlob } from "./domain/globs.ts";
import { forgetHookTasks, type HookTask, insertHookTask, recordOutcome, takeHookTask } from "./domain/hook-tasks.ts";
import { type Hook, hookById, hooksFor } from "./domain/hooks.ts";
import { requireRepo } from "./domain/repos.ts";
import type { Forge } from "./forge.ts";
import { announce } from "./shapes/payload.ts";

const TIMEOUT_MS = 5000;
const MEMORY_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 3_600_000;
/** Forgejo's own names and those of the forges whose receivers it serves. */
const FAMILIES = ["Forgejo", "Gitea", "Gogs", "GitHub"] as const;

/** Writes the deliveries of an event. To be called inside the event's transaction. */
export function queueDeliveries(forge: Forge, event: ForgeEvent): void {
  const hooks = hooksFor(forge.db, requireRepo(forge.db, event.repoId));
  if (hooks.length === 0) return;
  const { event: name, type, body, branch } = announce(forge, event);
  const payload = JSON.stringify(body);
  for (const hook of hooks.filter((candidate) => candidate.events.includes(type) && fits(candidate, branch))) {
    insertHookTask(forge.db, { hook_id: hook.id, event: name, event_type: type, payload, now: forge.now() });
  }
}

/** Tells one hook of a push that never was, if it would have heard of it. */
export function queueTrial(forge: Forge, hook: Hook, push: ForgeEvent & { kind: "push" }): void {
  const { event: name, type, body, branch } = announce(forge, push);
  if (hook.is_active === 0 || !hook.events.includes(type) || !fits(hook, branch)) return;
  const task = { hook_id: hook.id, event: name, event_type: type, payload: JSON.stringify(body), now: forge.now() };
  forge.db.write(() => insertHookTask(forge.db, task));
}

const fits = (hook: Hook, branch: string | undefined): boolean =>
  branch === undefined || ["", "*"].includes(hook.branch_filter) || matchesGlob(hook.branch_filter, branch);

/** Sends what is queued, until the signal says stop. Resolves when nothing is under way any more. */
export async function deliverWebhooks(forge: Forge, signal: AbortSignal): Promise<void> {
  let wake = Promise.withResolvers<void>();
  const ring = () => wake.resolve();
  forge.db.onCommit(ring);
  signal.addEventListener("abort", ring, { once: true });
  let sweptAt = 0;
  while (!signal.aborted) {
    if (forge.now() - sweptAt > SWEEP_EVERY_MS) {
      sweptAt = forge.now();
      forgetHookTasks(forge.db, sweptAt - MEMORY_MS);
    }
    const task = takeHookTask(forge.db);
    if (task) await deliver(forge, task, signal);
    else await wake.promise;
    if (!task) wake = Promise.withResolvers<void>();
  }
}

async function deliver(forge: Forge, task: HookTask, signal: AbortSignal): Promise<void> {
  const hook = hookById(forge.db, task.hook_id);
  if (!hook) return;
  const outcome = await send(hook, task, signal);
  recordOutcome(forge.db, task, outcome);
  forge.log.debug({ hook: hook.id, delivery: task.uuid, event: task.event_type, outcome }, "webhook");
}

/** What came of it, in words: nobody acts on it. */
async function send(hook: Hook, task: HookTask, signal: AbortSignal): Promise<string> {
  if (!isLoopback(hook.url)) return "refused: only addresses of this machine may be called";
  try {
    const response = await fetch(hook.url, {
      method: "POST",
      headers: headersOf(hook, task),
      body: hook.content_type === "json" ? task.payload : new URLSearchParams({ payload: task.payload }).toString(),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return `answered ${response.status}`;
  } catch (error) {
    return `failed: ${error instanceof Error ? `${error.message} ${error.cause ?? ""}` : String(error)}`;
  }
}

/** As a Forgejo whose ALLOWED_HOST_LIST is `loopback`: a hook must not reach what its owner cannot. */
function isLoopback(url: string): boolean {
  const { hostname, protocol } = new URL(url);
  const isNamed = hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]";
  return ["http:", "https:"].includes(protocol) && (isNamed || /^127\.\d+\.\d+\.\d+$/.test(hostname));
}

function headersOf(hook: Hook, task: HookTask): Record<string, string> {
  const sha256 = signature("sha256", hook, task);
  const headers: Record<string, string> = {
    "Content-Type": hook.content_type === "json" ? "application/json" : "application/x-www-form-urlencoded",
    "X-Hub-Signature": `sha1=${signature("sha1", hook, task)}`,
    "X-Hub-Signature-256": `sha256=${sha256}`,
  };
  for (const family of FAMILIES) {
    headers[`X-${family}-Delivery`] = task.uuid;
    headers[`X-${family}-Event`] = task.event;
    headers[`X-${family}-Event-Type`] = task.event_type;
    if (family !== "GitHub") headers[`X-${family}-Signature`] = sha256;
  }
  if (hook.authorization_header !== "") headers["Authorization"] = hook.authorization_header;
  return headers;
}

/** Over the JSON text, whatever the encoding. Empty without a secret. */
const signature = (algorithm: "sha1" | "sha256", hook: Hook, task: HookTask): string =>
  hook.secret === "" ? "" : createHmac(algorithm, hook.secret).update(task.payload).digest("hex");
