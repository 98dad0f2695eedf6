/** Commits and trees as git keeps them, made readable. */

export interface Signature {
  name: string;
  email: string;
  /** Milliseconds since 1970; git keeps whole seconds. */
  at: number;
}
export interface Commit {
  sha: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  /** As git keeps it, with its last line break. */
  message: string;
}
export interface TreeItem {
  /** One part of a path, a character for each byte (`byteName`): git's names are bytes, not always UTF-8. */
  name: string;
  /** Six octal digits: 100644, 100755, 120000 (link), 040000 (folder), 160000 (submodule). */
  mode: string;
  sha: string;
}

/** Headers, whose values may go on in lines that begin with a space, an empty line, the message. */
export function parseCommit(sha: string, bytes: Buffer): Commit {
  const end = bytes.indexOf("\n\n");
  const head = end < 0 ? bytes : bytes.subarray(0, end);
  const lines = head.toString("latin1").split("\n");
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key} `)).map((line) => line.slice(key.length + 1));
  const decode = decoderOf(values("encoding")[0]);
  const signature = (key: string) => parseSignature(decode(Buffer.from(values(key)[0] ?? "", "latin1")));
  return {
    sha,
    tree: values("tree")[0] ?? "",
    parents: values("parent"),
    author: signature("author"),
    committer: signature("committer"),
    message: end < 0 ? "" : decode(bytes.subarray(end + 2)),
  };
}

/** A commit says its encoding unless it is UTF-8; one that nobody knows is read as if it had said nothing. */
function decoderOf(encoding = "utf-8"): (bytes: Buffer) => string {
  try {
    const decoder = new TextDecoder(encoding, { ignoreBOM: true });
    return (bytes) => decoder.decode(bytes);
  } catch {
    return (bytes) => bytes.toString("utf8");
  }
}

function parseSignature(text: string): Signature {
  const [, name = "", email = "", at = "0"] = /^([^<]*)<([^>]*)>.*?(\d+) [+-]\d+$/s.exec(text) ?? [];
  return { name: name.trim(), email, at: Number(at) * 1000 };
}

/** A part of a path as TreeItem has it. */
export const byteName = (part: string): string => Buffer.from(part).toString("latin1");

/** In git's order. */
export function parseTree(bytes: Buffer): TreeItem[] {
  const items: TreeItem[] = [];
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(" ", at);
    const nul = bytes.indexOf(0, space);
    items.push({
      mode: bytes.toString("latin1", at, space).padStart(6, "0"),
      name: bytes.toString("latin1", space + 1, nul),
      sha: bytes.toString("hex", nul + 1, nul + 21),
    });
    at = nul + 21;
  }
  return items;
}
