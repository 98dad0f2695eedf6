/** A mirror of our own on this machine, with a key made for the test: what it serves, and how badly, the test decides. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createMessage, generateKey, type PrivateKey, sign } from "openpgp";
import type { Release } from "../../src/hive/up/release.ts";

export const version = "15.0.9";

/** Runs, and says what it is; the rest is weight. */
export function program(says = version, bytes = 3_000_000): Buffer {
  const script = `#!/bin/sh\necho 'forgejo version ${says}+gitea-1.22.0 built with a test'\nexit 0\n`;
  return Buffer.concat([Buffer.from(script), Buffer.alloc(bytes, "x")]);
}

export async function newKey(options: { date?: Date; keyExpirationTime?: number } = {}): Promise<PrivateKey> {
  const userIDs = [{ name: "Releases", email: "release@test.invalid" }];
  const { privateKey } = await generateKey({ userIDs, format: "object", subkeys: [{ sign: true }], ...options });
  return privateKey;
}

export async function signatureOf(binary: Uint8Array, signingKeys: PrivateKey, date = new Date()): Promise<string> {
  const message = await createMessage({ binary });
  return sign({ message, signingKeys, detached: true, date });
}

export const sha256 = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex");

export type Mirror = {
  url: string;
  release: Release;
  /** by path; a test takes away and puts in what it likes */
  files: Map<string, Buffer | string>;
  /** of the program itself */
  file: string;
  /** what was asked of the program, as `Range` headers; "" for all of it */
  ranges: string[];
  /** before the next answers with the program: sends at most so many bytes and hangs up, one for each */
  breaksAfter: number[];
  /** instead of hanging up it says nothing more */
  stalls: boolean;
  isSilent: boolean;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Serves a genuine release of `content`, signed by `key`; `named` is its version. */
export async function openMirror(content: Buffer, key: PrivateKey, named = version): Promise<Mirror> {
  const file = `/v${named}/forgejo-${named}-test`;
  const server = createServer((request, response) => answer(mirror, request, response)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const mirror: Mirror = {
    url,
    file,
    release: {
      version: named,
      mirrors: [url],
      file: "v{version}/forgejo-{version}-{platform}",
      platforms: { [`${process.platform}-${process.arch}`]: { name: "test", sha256: null } },
      key: { fingerprint: key.getFingerprint(), urls: [`${url}/release-key.asc`] },
    },
    files: new Map<string, Buffer | string>([
      [file, content],
      [`${file}.asc`, await signatureOf(content, key)],
      [`${file}.sha256`, `${sha256(content)}  forgejo-${named}-test\n`],
      ["/release-key.asc", key.toPublic().armor()],
    ]),
    ranges: [],
    breaksAfter: [],
    stalls: false,
    isSilent: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return mirror;
}

function answer(mirror: Mirror, { url = "", headers }: IncomingMessage, response: ServerResponse): void {
  if (mirror.isSilent) return;
  const found = mirror.files.get(url);
  if (found === undefined) return void response.writeHead(404).end("not here");
  const content = Buffer.from(found);
  const { range = "" } = headers;
  const start = Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
  if (url === mirror.file) mirror.ranges.push(range);
  if (start >= content.length) {
    return void response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
  }
  response.writeHead(range ? 206 : 200, {
    "content-length": content.length - start,
    ...(range ? { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
  });
  const cut = url === mirror.file ? mirror.breaksAfter.shift() : undefined;
  if (cut === undefined) return void response.end(content.subarray(start));
  response.write(content.subarray(start, start + cut), () => mirror.stalls || response.destroy());
}
