/** Starts in one turn of the event loop: what a thousand at once take would else keep everything else waiting. */
const STARTS = 8;

const waiting: (() => void)[] = [];
let left = STARTS;
let isCounting = false;

/** `undefined` for a process that may start at once; else resolves when it may, those that came first first. */
export function startTurn(): Promise<void> | undefined {
  if (!isCounting) {
    isCounting = true;
    setImmediate(nextTurn);
  }
  if (left > 0) {
    left -= 1;
    return undefined;
  }
  return new Promise((resolve) => {
    waiting.push(resolve);
  });
}

function nextTurn(): void {
  const next = waiting.splice(0, STARTS);
  left = STARTS - next.length;
  isCounting = next.length > 0;
  if (isCounting) setImmediate(nextTurn);
  for (const start of next) start();
}
