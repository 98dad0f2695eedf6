/** hived's half of a forge: the client, its secrets, and what provisioning needs, on a core and a forge of the test's. */
import { join } from "node:path";
import { openTokens, type Tokens } from "../../src/hived/agents/tokens.ts";
import { openForge } from "../../src/hived/forge/client.ts";
import { openForgeHealth } from "../../src/hived/forge/health.ts";
import type { ProvisionParts } from "../../src/hived/forge/provision.ts";
import type { TestCore } from "./open-core.ts";
import type { RunningForge } from "./running-forge.ts";

export type Provisioned = ProvisionParts & { core: TestCore; tokens: Tokens; secrets: Tokens };

export const program = join(import.meta.dirname, "../..");

/** @param secretsDirectory where the secrets of one hive are, kept over the cores that it has one after the other */
export function partsFor(
  core: TestCore,
  running: RunningForge,
  secretsDirectory = join(core.directory, "secrets"),
): Provisioned {
  const { kind, url, adminTokenFile } = running;
  const tokens = openTokens(join(secretsDirectory, "tokens"));
  const health = openForgeHealth(core, { kind, url });
  const signal = new AbortController().signal;
  const forge = openForge({ url, tokens, adminTokenFile, onSilence: health.noteSilence, signal });
  const hookUrl = "http://127.0.0.1:9/hook";
  return { core, forge, tokens, secrets: openTokens(secretsDirectory), health, kind, hookUrl, program };
}
