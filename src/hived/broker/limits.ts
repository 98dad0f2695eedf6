/** The broker's numbers: what is retried when, and what is too much. */

/** So many failed turns make a dead letter of an entry. */
export const maxFailures = 5;

const firstRetryMs = 5_000;
const longestRetryMs = 10 * 60_000;

/** Milliseconds before an entry is leased again after so many failed turns: doubling from five seconds. */
export const retryDelayMs = (failures: number): number =>
  Math.min(firstRetryMs * 2 ** Math.min(failures - 1, 20), longestRetryMs);

/** How long an agent rests whose model is rate limited without saying until when. */
export const rateLimitRestMs = 60_000;

/** The longest answer of a tool, in characters: a coding agent saves a longer one to a file and shows its beginning. */
export const maxAnswerCharacters = 20_000;

/** The most that one `recv` hands out, in characters of bodies as JSON: with what stands around them it stays below that. */
export const recvCharacters = 16_000;

/** Two agents that have written to each other so often, in letters either way, rest … */
export const mostLetters = 100;
/** … where so many a minute are too few to count … */
export const lettersPerMinute = 2;
/** … for this long. */
export const pairRestMs = 60 * 60_000;

/** What was handled, read or cancelled is kept for so long: 30 days. */
export const keptMs = 30 * 24 * 60 * 60_000;
/** How many entries one transaction removes: so senders wait for it no longer than for each other. */
export const forgottenAtOnce = 200;
/** How often what is old is looked for: hourly. */
export const forgetEveryMs = 60 * 60_000;

/** So many logs of turns are kept, of at most `logCharacters` each: some 300 MiB if every one of them were full. */
export const keptLogs = 10_000;

/** An agent that is up, idle and has something to do asks for it within a moment; after this long its wake is lost. */
export const wakeWithinMs = 30_000;

/** How often canaries are sent by themselves, and to how many agents then: those whose loop has shown itself least of late. */
export const canaryEveryMs = 60 * 60_000;
export const canariesAtOnce = 20;

/** A client outside of a sandbox acknowledges what it received within this time, or it is queued again: ten minutes. */
export const outsideLeaseMs = 10 * 60_000;
/** So many messages it holds at most without that. */
export const mostHeldOutside = 100;
