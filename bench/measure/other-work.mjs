import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Unit of the kernel's counters, in milliseconds: USER_HZ is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/**
 * Starts to watch what the rest of the machine does. The function it returns says which share of all processors
 * (0 to 1) other programs have used since then; `null` where the system does not tell (only Linux does).
 */
export function watchOtherWork() {
  const before = ticks();
  const startedAt = performance.now();
  return () => {
    if (before === null) return null;
    const after = ticks();
    const others = (after.everybody - before.everybody - (after.own - before.own)) * TICK_MS;
    const available = (performance.now() - startedAt) * cpus().length;
    return Math.min(1, Math.max(0, others / available));
  };
}

/** proc(5): time that all processors worked (or were taken by the hypervisor), and that this process and its children did. */
function ticks() {
  if (process.platform !== 'linux') return null;
  const total = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0].split(/\s+/).slice(1).map(Number);
  const [user, nice, system, , , interrupts, softInterrupts, stolen] = total;
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const own = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return {
    everybody: user + nice + system + interrupts + softInterrupts + stolen,
    own: own.reduce((sum, part) => sum + part, 0),
  };
}
