import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** Unit of the kernel's counters, in milliseconds: USER_HZ is 100 on every architecture that Node runs on. */
const TICK_MS = 10;

/**
 * Starts to watch who else uses the processors. The function it returns says which share of all of them (0 to 1) other
 * programs have used since then, and which share the hypervisor gave to other machines; `null` where the system does
 * not tell (only Linux does).
 */
export function watchOtherWork() {
  const before = ticks();
  const startedAt = performance.now();
  return () => {
    if (before === null) return null;
    const after = ticks();
    const available = (performance.now() - startedAt) * cpus().length;
    const share = (worked) => Math.min(1, Math.max(0, (worked * TICK_MS) / available));
    const used = after.used - before.used - (after.own - before.own);
    return { programs: share(used), hypervisor: share(after.stolen - before.stolen) };
  };
}

/** What {@link watchOtherWork} has found, as a sentence. */
export function describeOtherWork(otherWork) {
  if (otherWork === null) return '';
  const percent = (share) => `${Math.round(share * 100)} %`;
  return `Other programs took ${percent(otherWork.programs)} of the processors meanwhile, other machines ${percent(otherWork.hypervisor)}.`;
}

/** proc(5): what all programs used, what the hypervisor kept, and what this process and its ended children used. */
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
    used: user + nice + system + interrupts + softInterrupts,
    stolen,
    own: own.reduce((sum, part) => sum + part, 0),
  };
}
