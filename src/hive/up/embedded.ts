/** The embedded forge: a program of ours that imports nothing of ours, for machines with nothing but Node and git. */
import { join } from "node:path";
import { type ForgeSource, forgeUrlOf, type OwnForge } from "./forge.ts";
import { expectOk, ownEnvironment } from "./programs.ts";

export function embeddedForge({ home, program, port }: OwnForge): ForgeSource {
  const url = forgeUrlOf(port);
  const config = {
    dataDir: home.forge,
    host: "127.0.0.1",
    port,
    url,
    adminName: "hive-admin",
    adminTokenFile: home.adminToken,
  };
  return {
    forge: { kind: "embedded", url, adminTokenFile: home.adminToken },
    title: "the embedded forge",
    note: "The embedded forge is for trying out: `hive forge install` and `hive forge migrate` move all of it to a Forgejo.",
    prepare: null,
    spec: {
      name: "forge",
      isForeign: false,
      command: () => ({
        argv: [process.execPath, join(program, "forge/embedded/main.ts"), JSON.stringify(config)],
        env: ownEnvironment(),
      }),
      check: (signal) => expectOk(new URL("/api/healthz", url), signal),
      readyWithinMs: 30_000,
      stopWithinMs: 1_200,
    },
  };
}
