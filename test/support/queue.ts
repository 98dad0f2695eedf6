/** What comes one after the other, for a test that waits for the next. */
export type Queue<Item> = { put(item: Item): void; next(): Promise<Item> };

export function openQueue<Item>(): Queue<Item> {
  const items: Item[] = [];
  const waiting: ((item: Item) => void)[] = [];
  return {
    put(item) {
      const waiter = waiting.shift();
      if (waiter) waiter(item);
      else items.push(item);
    },
    next() {
      return new Promise((resolve) => {
        if (items.length > 0) resolve(items.shift() as Item);
        else waiting.push(resolve);
      });
    },
  };
}
