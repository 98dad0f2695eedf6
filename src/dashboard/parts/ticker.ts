/** One timer for every time on the page; it runs only while somebody shows one. */
const shown = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Calls back every second until the function that it returns is called. */
export function everySecond(tell: () => void): () => void {
  shown.add(tell);
  timer ??= setInterval(() => {
    for (const each of [...shown]) each();
  }, 1_000);
  return () => {
    shown.delete(tell);
    if (shown.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}
