/** The calls of a forge that a piece of code makes, seen at fetch. */
export type Calls = {
  /** "METHOD path" of every call */
  all: string[];
  /** those that could change something */
  changes: string[];
  [Symbol.dispose](): void;
};

/** Records until it is disposed; the calls are made all the same. */
export function recordCalls(): Calls {
  const original = globalThis.fetch;
  const all: string[] = [];
  const changes: string[] = [];
  globalThis.fetch = (input, init) => {
    const method = init?.method ?? "GET";
    const call = `${method} ${new URL(String(input)).pathname}`;
    all.push(call);
    if (method !== "GET") changes.push(call);
    return original(input, init);
  };
  return {
    all,
    changes,
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}
