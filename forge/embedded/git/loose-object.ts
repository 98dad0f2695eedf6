/** Objects are written as git writes them, one file each, without a process. */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, open, rename, utimes } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { constants, deflate } from "node:zlib";

const compress = promisify(deflate);

/**
 * Returns the object's id; it is on disk then, as with core.fsync. What is there already stays, but counts as new, or a
 * clean-up could take it before something points to it.
 */
export async function writeObject(dir: string, type: string, content: Buffer): Promise<string> {
  const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  const sha = createHash("sha1").update(bytes).digest("hex");
  const folder = path.join(dir, "objects", sha.slice(0, 2));
  const file = path.join(folder, sha.slice(2));
  if (await isRenewed(file)) return sha;
  await mkdir(folder, { recursive: true });
  // git sweeps what is called so, after a crash
  const made = path.join(folder, `tmp_obj_${randomBytes(8).toString("hex")}`);
  const handle = await open(made, "wx", 0o444);
  try {
    await handle.writeFile(await compress(bytes, { level: constants.Z_BEST_SPEED }));
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(made, file);
  return sha;
}

async function isRenewed(file: string): Promise<boolean> {
  const now = new Date();
  try {
    await utimes(file, now, now);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
