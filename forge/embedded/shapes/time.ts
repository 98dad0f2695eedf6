/** Moments as Forgejo writes them: UTC, whole seconds. */

/** What Forgejo writes for a moment that was never set. */
export const NEVER = "1970-01-01T00:00:00Z";

/** @param ms milliseconds since 1970 */
export const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
export const isoTimeOrNull = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));
