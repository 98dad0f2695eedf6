/** The Forgejo that a hive downloads, as forge/release.json pins it, and where it is downloaded from. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { Refusal } from "../../contract/refusal.ts";

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Release = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  /** asked all at once. Beside the `file` of each lie its checksum (`.sha256`) and its detached signature (`.asc`) */
  mirrors: z.array(z.url({ protocol: /^https?$/ })).min(1),
  file: z.string(),
  /**
   * By Node's names for platform and processor. A `sha256` that is not known is null, never a guess: the mirror's own is
   * compared then, which finds what a bad line does. What proves a release is its signature, known checksum or not.
   */
  platforms: z.record(z.string(), z.strictObject({ name: z.string(), sha256: Sha256.nullable() })),
  /** The primary key's fingerprint is the root of trust. Its text may come from anywhere: one with another is not taken. */
  key: z.strictObject({ fingerprint: z.string().regex(/^[0-9a-f]{40}$/), urls: z.array(z.url()) }),
});
export type Release = z.infer<typeof Release>;

/** What `mirror` of HIVE_FORGEJO_MIRROR is called that lets `hive up` download nothing. */
const noMirror = "off";

/** The pinned release; @param mirrors instead of its own, with the key beside the files as `release-key.asc` or not. */
export function readRelease(program: string, mirrors: readonly string[] = []): Release {
  const release = Release.parse(JSON.parse(readFileSync(join(program, "forge/release.json"), "utf8")));
  if (mirrors.length === 0) return release;
  const keys = mirrors.map((mirror) => `${mirror}/release-key.asc`);
  return { ...release, mirrors: [...mirrors], key: { ...release.key, urls: [...keys, ...release.key.urls] } };
}

/**
 * The mirrors of HIVE_FORGEJO_MIRROR, divided by blanks: none for those of the release, null for "download nothing".
 * @throws Refusal `bad_mirror`.
 */
export function mirrorsOfEnvironment(): string[] | null {
  const asked = process.env["HIVE_FORGEJO_MIRROR"]?.split(/\s+/).filter(Boolean) ?? [];
  return asked.length === 1 && asked[0] === noMirror ? null : asked.map(mirrorOf);
}

/** Brings an address into the form that is used. @throws Refusal `bad_mirror`. */
export function mirrorOf(text: string): string {
  const parsed = URL.parse(text);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.search || parsed.hash)
    throw new Refusal(
      "bad_mirror",
      `${text} is not the address of a mirror.`,
      "Give one below which lies v<version>/forgejo-<version>-<platform>, such as https://mirror.example/forgejo.",
    );
  return parsed.href.replace(/\/+$/, "");
}

export type Asset = { file: string; sha256: string | null };

/** What of the release runs on this machine. @throws Refusal `no_forgejo_for_platform`. */
export function assetOf({ version, file, platforms }: Release): Asset {
  const here = `${process.platform}-${process.arch}`;
  const platform = platforms[here];
  if (!platform)
    throw new Refusal(
      "no_forgejo_for_platform",
      `Forgejo publishes no program for ${here}.`,
      "Build one, and name it in HIVE_FORGEJO_BIN.",
    );
  const name = file.replaceAll("{version}", version).replaceAll("{platform}", platform.name);
  return { file: name, sha256: platform.sha256 };
}
