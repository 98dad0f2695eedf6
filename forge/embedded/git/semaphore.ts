/** At most `limit` holders at once; the others wait in the order of their arrival. Released by `using`. */
export class Semaphore {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.free = limit;
  }

  async acquire(): Promise<Disposable> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        const next = this.waiting.shift();
        if (next) next();
        else this.free += 1;
      },
    };
  }
}

/** One holder per key at a time: what reads a repository's refs, decides, and then moves them. */
export class KeyedLocks {
  private readonly locks = new Map<string | number, { semaphore: Semaphore; users: number }>();

  async run<Result>(key: string | number, action: () => Promise<Result>): Promise<Result> {
    const lock = this.locks.get(key) ?? { semaphore: new Semaphore(1), users: 0 };
    this.locks.set(key, lock);
    lock.users += 1;
    try {
      using _held = await lock.semaphore.acquire();
      return await action();
    } finally {
      lock.users -= 1;
      if (lock.users === 0) this.locks.delete(key);
    }
  }
}
