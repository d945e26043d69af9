import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process of some machine, precise enough to tell that it has ended. */
export interface Owner {
  /** The machine; on Linux a digest of /etc/machine-id, which is not to be shown as it is (machine-id(5)). */
  readonly host: string;
  /** The run of that machine, and the pid namespace: only there is `pid` a name. */
  readonly boot: string;
  readonly pid: number;
  /** When it was started, as the system counts: process ids are used again. Empty where nobody can say. */
  readonly startedAt: string;
}

let self: Owner | undefined;

/** This process. */
export function thisOwner(): Owner {
  self ??= {
    host: hostId(),
    boot: bootId(),
    pid: process.pid,
    startedAt: startTime(process.pid) ?? '',
  };
  return self;
}

/** Whether a process runs. `gone` only when that is certain, `unknown` for one of another machine. */
export function stateOf(owner: Owner): 'alive' | 'gone' | 'unknown' {
  const own = thisOwner();
  if (owner.host !== own.host) return 'unknown';
  if (owner.boot !== own.boot) return isAnotherBoot(owner.boot, own.boot) ? 'gone' : 'unknown';
  if (!exists(owner.pid)) return 'gone';
  const startedAt = startTime(owner.pid);
  return owner.startedAt === '' || startedAt === undefined || startedAt === owner.startedAt
    ? 'alive'
    : 'gone';
}

/** As one text for a label. */
export function ownerText({ host, boot, pid, startedAt }: Owner): string {
  return [host, boot, pid, startedAt].join(' ');
}

/** `undefined` for a text that is none. */
export function parseOwner(text: string | undefined): Owner | undefined {
  const [host, boot, pid, startedAt, ...more] = (text ?? '').split(' ');
  if (host === undefined || boot === undefined || startedAt === undefined || more.length > 0)
    return undefined;
  const number = Number(pid);
  return Number.isSafeInteger(number) && number > 0 ? { host, boot, pid: number, startedAt } : undefined;
}

/** What ran before the machine was started again has ended; another pid namespace of the same run may still live. */
function isAnotherBoot(one: string, other: string): boolean {
  const [boot, otherBoot] = [one.split('/')[0], other.split('/')[0]];
  return boot !== '' && otherBoot !== '' && boot !== otherBoot;
}

function hostId(): string {
  const text = contentOf('/etc/machine-id')?.trim();
  return createHash('sha256')
    .update(`companion ${text || hostname()}`)
    .digest('hex')
    .slice(0, 32);
}

/** Empty in front where the system does not number its runs: then nothing is ever taken for gone by its run. */
function bootId(): string {
  const boot = contentOf('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return `${boot}/${namespaceOfPids()}`;
}

function namespaceOfPids(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '';
  }
}

/** Field 22 of proc_pid_stat(5), behind the name, which may hold anything. */
function startTime(pid: number): string | undefined {
  const stat = contentOf(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
