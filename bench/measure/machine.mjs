import { cpus, release, totalmem } from 'node:os';

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

export function describeMachine({ processor, cores, memoryGiB, system, node, date }) {
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}, ${date}`;
}
