/** The forges that a suite runs on: the embedded one, and a real Forgejo where there is one. */
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { startEmbedded } from "./embedded.ts";
import { startForgejo } from "./forgejo.ts";
import type { RunningForge } from "./running-forge.ts";

const forgejo = await findForgejo();

/** Each started anew; its site admin is `hive-admin` unless told otherwise. */
export const forges: { name: string; start(adminName?: string): Promise<RunningForge> }[] = [
  { name: "the embedded forge", start: startEmbedded },
  ...(forgejo ? [{ name: "a real Forgejo", start: (adminName?: string) => startForgejo(forgejo, { adminName }) }] : []),
];
