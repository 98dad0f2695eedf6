/** Letters about what somebody has said or done on the forge: theirs, under the rules of any letter. */
import type { Address } from "../../contract/names.ts";
import { Refusal } from "../../contract/refusal.ts";
import { findAgent } from "../agents/agents.ts";
import type { Core } from "../core.ts";
import type { Reader, Transaction } from "../database/write.ts";
import { findByClientId } from "./messages.ts";
import { type Letter, sendIn } from "./send.ts";

/** By which a letter about an entry of a pull request's timeline is found again. */
export const pullLetterId = ({ repo, number }: { repo: string; number: number }, entry: number, to: string): string =>
  `pull/${repo}#${number}/${entry}/${to}`;

/** Until what has to wait is tried again. */
export const relayLaterMs = 10 * 60_000;

/** Whose letter it is that tells of a forge user: somebody who is not of the hive has no address in it. */
export const speakerOf = (reader: Reader, user: string): Address =>
  user === "operator" ? user : (findAgent(reader, user)?.name ?? "system");

/**
 * Sends it once, however often it is called: two agents may be in a loop on the forge, too, and an agent reaches there only
 * whom it may write to; what is refused for good is noted in the log, and said to `refused`.
 * @returns false when it has to wait
 */
export function relay(
  tx: Transaction,
  core: Core,
  letter: Letter & { clientId: string },
  refused: (refusal: Refusal) => void = () => undefined,
): boolean {
  if (findByClientId(tx, letter.from, letter.clientId)) return true;
  try {
    sendIn(tx, core, letter);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "pair_rests" || error.code === "disk_nearly_full") return false;
    const { to, clientId } = letter;
    core.log.info({ to, clientId, problem: error.message }, "what was said on the forge is not passed on");
    refused(error);
  }
  return true;
}
