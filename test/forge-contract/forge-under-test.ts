/**
 * The forge that the contract suite runs on: in the project `contract` the one real Forgejo that real-forge.ts has started
 * for all files, in the project `fast` an embedded one of the file's own.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { startForge } from "../../forge/embedded/app.ts";

export interface ForgeUnderTest extends AsyncDisposable {
  url: string;
  kind: "embedded" | "Forgejo";
  /** Of Forgejo; of the embedded one the version whose behaviour it has. */
  major: number;
  adminToken: string;
  /** A directory for what the tests make beside it. */
  home: string;
}
/** What real-forge.ts hands to the files. */
interface RealForge {
  url: string;
  major: number;
  adminToken: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    realForge: RealForge;
  }
}

export const ADMIN = "hive-admin";

export async function openForgeUnderTest(): Promise<ForgeUnderTest> {
  const home = mkdtempSync(join(tmpdir(), "contract-"));
  const remove = () => rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  const real = inject("realForge") as RealForge | undefined;
  if (real) return { ...real, kind: "Forgejo", home, [Symbol.asyncDispose]: async () => remove() };
  const adminTokenFile = join(home, "admin-token");
  const dataDir = join(home, "data");
  const forge = await startForge({ dataDir, port: 0, adminName: ADMIN, adminTokenFile, passwordCost: 2 });
  return {
    url: forge.url,
    kind: "embedded",
    major: 15,
    adminToken: readFileSync(adminTokenFile, "utf8").trim(),
    home,
    async [Symbol.asyncDispose]() {
      await forge.stop();
      remove();
    },
  };
}
