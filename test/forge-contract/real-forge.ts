/** Starts the one real Forgejo that all files of the contract suite share, in the project `contract`. */
import { readFileSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { findForgejo } from "../../src/hive/up/forgejo.ts";
import { startForgejo } from "../support/forgejo.ts";
import type {} from "./forge-under-test.ts";

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const forgejo = await findForgejo();
  if (!forgejo) throw new Error("This project is only for a machine with a Forgejo: see vitest.config.ts.");
  const forge = await startForgejo(forgejo);
  const adminToken = readFileSync(forge.adminTokenFile, "utf8").trim();
  const answer = await fetch(`${forge.url}/api/v1/version`, { headers: { authorization: `token ${adminToken}` } });
  const { version } = (await answer.json()) as { version: string };
  project.provide("realForge", { url: forge.url, major: Number.parseInt(version, 10), adminToken });
  return () => forge[Symbol.asyncDispose]();
}
