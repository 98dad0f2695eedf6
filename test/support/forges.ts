/** The forges that a suite runs on: the embedded one, and a real Forgejo where there is one. */
import { startEmbedded } from "./embedded.ts";
import { findForgejo, startForgejo } from "./forgejo.ts";
import type { RunningForge } from "./running-forge.ts";

const forgejo = findForgejo();

export const forges: { name: string; start(): Promise<RunningForge> }[] = [
  { name: "the embedded forge", start: startEmbedded },
  ...(forgejo ? [{ name: "a real Forgejo", start: () => startForgejo(forgejo) }] : []),
];
