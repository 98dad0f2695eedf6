/** The calls of a forge that a piece of code makes, seen at fetch. */
export type Calls = {
  /** "METHOD path" of every call that could change something */
  changes: string[];
  [Symbol.dispose](): void;
};

/** Records until it is disposed; the calls are made all the same. */
export function recordCalls(): Calls {
  const original = globalThis.fetch;
  const changes: string[] = [];
  globalThis.fetch = (input, init) => {
    const method = init?.method ?? "GET";
    if (method !== "GET") changes.push(`${method} ${new URL(String(input)).pathname}`);
    return original(input, init);
  };
  return {
    changes,
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}
