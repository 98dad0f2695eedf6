/** Hooks as the API answers them; the secret is never shown. */
import type { Hook } from "../domain/hooks.ts";
import { isoTime } from "./time.ts";

export const hookJson = (hook: Hook) => ({
  id: hook.id,
  type: hook.type,
  branch_filter: hook.branch_filter,
  url: hook.url,
  config: { content_type: hook.content_type, url: hook.url },
  events: hook.events,
  authorization_header: hook.authorization_header,
  content_type: hook.content_type,
  metadata: null,
  active: hook.is_active === 1,
  created_at: isoTime(hook.created_at),
  updated_at: isoTime(hook.updated_at),
});
