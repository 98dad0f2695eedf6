/**
 * Marks number the calls of `recv`, so that a turn's end can tell which of them the model answered. They count up within a
 * boot, and tell which boot made them.
 */
import type { BootId } from "../../contract/names.ts";

const marksPerBoot = 1_000_000;

export const firstMark = (boot: BootId): number => boot * marksPerBoot;

/**
 * Whether what was handed out under a mark is known to have reached the agent. Of a hived that died nobody knows whether
 * its last answers did: the model may have gone on without ever seeing them.
 */
export const isCertain = (mark: number, boot: BootId): boolean => mark >= firstMark(boot);
