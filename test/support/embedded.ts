/** The embedded forge for a test, as the program that `hive up` starts. */
import { join } from "node:path";
import { compiledOfTests } from "./cache.ts";
import { type RunningForge, startForge } from "./running-forge.ts";

/** @param adminName of its site admin */
export const startEmbedded = (adminName = "hive-admin"): Promise<RunningForge> =>
  startForge("embedded", async (directory, port) => {
    const config = {
      dataDir: join(directory, "data"),
      port,
      adminName,
      adminTokenFile: join(directory, "admin-token"),
      passwordCost: 2,
    };
    const program = join(import.meta.dirname, "../../forge/embedded/main.ts");
    return {
      argv: [process.execPath, program, JSON.stringify(config)],
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: directory,
        HIVE_LOG_LEVEL: "warn",
        NODE_COMPILE_CACHE: compiledOfTests,
      },
      adminTokenFile: config.adminTokenFile,
    };
  });
