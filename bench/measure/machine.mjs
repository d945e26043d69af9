import { cpus, loadavg, release, totalmem } from 'node:os';

/** What the numbers depend on besides the code. */
export function machineFacts() {
  const all = cpus();
  return {
    processor: all[0]?.model.replaceAll(/\s+/g, ' ').trim() ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** Processes that wanted to run, over the last minute; above the number of cores the medians are too high. */
export function loadAverage() {
  return Math.round(loadavg()[0] * 100) / 100;
}

export function describeMachine({ processor, cores, memoryGiB, system, node, date }) {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, ${date}`;
}
