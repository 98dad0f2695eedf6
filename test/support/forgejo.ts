/** A real Forgejo for a test, found, configured and made ready as `hive up` does it. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Forgejo, managedForge } from "../../src/hive/up/forgejo.ts";
import { homeAt } from "../../src/hive/up/home.ts";
import { withToken } from "./raw-forge.ts";
import { type RunningForge, startForge } from "./running-forge.ts";

const template = join(import.meta.dirname, "../../forge/app.ini");

/**
 * A program's directory with an app.ini for whoever runs the test: `hive up` never starts Forgejo as root, a test may.
 * @param change what somebody else has in it
 */
export function newProgram(directory: string, change = (ini: string): string => ini): string {
  const program = join(directory, "program");
  mkdirSync(join(program, "forge"), { recursive: true });
  // tests make many users, whose passwords nobody attacks
  const ini = readFileSync(template, "utf8").replace(
    "[security]\n",
    "[security]\nPASSWORD_HASH_ALGO = pbkdf2$1000$50\n",
  );
  const ofRoot = process.getuid?.() === 0 ? "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true\n" : "";
  writeFileSync(join(program, "forge/app.ini"), `${ofRoot}${change(ini)}`);
  return program;
}

type Options = {
  /** its site admin */
  adminName?: string | undefined;
  change?: ((ini: string) => string) | undefined;
  /** what the operator does in the home before it starts */
  before?: (home: string) => void;
};

export async function startForgejo(
  forgejo: Forgejo,
  { adminName = "hive-admin", change, before }: Options = {},
): Promise<RunningForge> {
  const running = await startForge("managed", async (directory, port) => {
    const home = homeAt(directory);
    before?.(directory);
    const { prepare, spec } = managedForge({ home, program: newProgram(directory, change), port }, forgejo);
    if (!prepare || !spec) throw new Error("a Forgejo of ours has nothing to prepare or to start");
    await prepare({ say: () => undefined });
    return { ...(await spec.command()), adminTokenFile: home.adminToken };
  });
  if (adminName !== "hive-admin") await rename(running, adminName);
  return running;
}

async function rename({ url, adminTokenFile }: RunningForge, name: string): Promise<void> {
  const admin = withToken(url, readFileSync(adminTokenFile, "utf8").trim());
  await admin.call("POST", "/admin/users/hive-admin/rename", { new_username: name });
}
