import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { MARK_VARIABLE } from './marks.js';

/** A process of this machine that has not ended. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** With `pid` it names a process for ever: ids are used again, pairs are not. */
  readonly startedAt: string;
  readonly name: string;
  /** The value of the mark variable; read when asked for. */
  mark(): string | undefined;
}

let pending: Promise<readonly ProcessEntry[]> | undefined;

/**
 * The processes of this machine, read after the call. Calls of one turn of the event loop share one reading, so that
 * ending a hundred processes at once does not read the table a hundred times.
 */
export function readProcessTable(): Promise<readonly ProcessEntry[]> {
  pending ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
    pending = undefined;
    return process.platform === 'linux' ? readProc() : readPs();
  });
  return pending;
}

/** Descendants of this process are not older than it; reading the environments of all others would be most of the work. */
const ownStart = process.platform === 'linux' ? Number(startOf(readFileSync('/proc/self/stat', 'utf8'))) : 0;

function startOf(stat: string): string | undefined {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** proc(5): `/proc/<pid>/stat` and `/proc/<pid>/environ`. */
function readProc(): readonly ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const file of readdirSync('/proc')) {
    const pid = Number(file);
    if (!Number.isInteger(pid)) continue;
    const stat = readIfThere(`/proc/${pid}/stat`);
    if (stat === undefined) continue;
    // The name stands in parentheses and may hold anything, parentheses and spaces included.
    const nameEnd = stat.lastIndexOf(')');
    const fields = stat.slice(nameEnd + 2).split(' ');
    const [state, parent, group, session] = fields;
    const startedAt = fields[19];
    if (startedAt === undefined || state === 'Z' || state === 'X') continue;
    const shortName = stat.slice(stat.indexOf('(') + 1, nameEnd);
    entries.push({
      pid,
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      startedAt,
      get name() {
        return longName(pid, shortName);
      },
      mark: () =>
        Number(startedAt) < ownStart
          ? undefined
          : markIn(readIfThere(`/proc/${pid}/environ`)?.split('\0') ?? []),
    });
  }
  return entries;
}

/** The kernel cuts names to 15 bytes; the command line has the rest. */
function longName(pid: number, shortName: string): string {
  if (shortName.length < 15) return shortName;
  const command = basename(readIfThere(`/proc/${pid}/cmdline`)?.split('\0')[0] ?? '');
  return command.startsWith(shortName) ? command : shortName;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Ended meanwhile, or another user's: neither is ours to end.
    return undefined;
  }
}

const runPs = promisify(execFile);

/** Without /proc (macOS): ps(1), whose `-E` appends the environment to the command. */
async function readPs(): Promise<readonly ProcessEntry[]> {
  const columns = 'pid=,ppid=,pgid=,stat=,lstart=,command=';
  const { stdout } = await runPs('ps', ['-A', '-E', '-ww', '-o', columns], { maxBuffer: 64 * 1024 * 1024 });
  const entries: ProcessEntry[] = [];
  for (const line of stdout.split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.*)$/.exec(line);
    const [, pid, parent, group, state, startedAt, command] = match ?? [];
    if (startedAt === undefined || command === undefined || state?.startsWith('Z')) continue;
    const words = command.split(' ');
    entries.push({
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      // ps has no session ids there; a session's first group has its leader's id, which is what matters.
      session: Number(group),
      startedAt,
      name: basename(words[0] ?? ''),
      mark: () => markIn(words),
    });
  }
  return entries;
}

function markIn(variables: readonly string[]): string | undefined {
  const prefix = `${MARK_VARIABLE}=`;
  return variables.find((variable) => variable.startsWith(prefix))?.slice(prefix.length);
}
