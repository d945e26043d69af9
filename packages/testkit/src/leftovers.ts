import { AssertionError } from 'node:assert';
import { readdir, readFile } from 'node:fs/promises';
import { waitUntil } from './wait-until.js';

/** The variable that everything inside a case's companions carries. */
export const MARK_VARIABLE = 'COMPANION_CONFORMANCE_CASE';

/** For what has been told to end and is about to. */
const VANISH_MS = 2000;

interface MarkedProcess {
  readonly pid: number;
  /** Its words, for the message. */
  readonly command: string;
}

/** Processes of this machine whose mark begins so and that have not ended. Only where there is a /proc. */
async function markedProcesses(markPrefix: string): Promise<readonly MarkedProcess[]> {
  if (process.platform !== 'linux') return [];
  const needle = `${MARK_VARIABLE}=${markPrefix}`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readIfThere(`/proc/${pid}/environ`);
      if (!environment.split('\0').some((variable) => variable.startsWith(needle))) return [];
      const command = (await readIfThere(`/proc/${pid}/cmdline`)).split('\0').join(' ').trim();
      return [{ pid: Number(pid), command: command.length > 100 ? `${command.slice(0, 99)}…` : command }];
    }),
  );
  return found.flat();
}

/**
 * Gives processes with the mark a moment to go, then kills those that are still there and says which, so that they
 * disturb neither the next case nor the machine. `null` when there are none.
 */
export async function endMarkedProcesses(
  markPrefix: string,
  boundMs: number = VANISH_MS,
): Promise<string | null> {
  try {
    await waitUntil(async () => (await markedProcesses(markPrefix)).length === 0, {
      what: '',
      timeoutMs: Math.min(boundMs, VANISH_MS),
    });
    return null;
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
  }
  const left = await markedProcesses(markPrefix);
  for (const { pid } of left) killQuietly(pid);
  return left.length === 0
    ? null
    : `still running: ${left.map(({ pid, command }) => `${pid} (${command})`).join(', ')}`;
}

/** What of this process a suite must give back: listeners, connections and children that keep it alive. */
const COUNTED = ['TCPServerWrap', 'PipeServerWrap', 'TCPSocketWrap', 'ProcessWrap'];

export type Resources = Readonly<Record<string, number>>;

export function heldResources(): Resources {
  const held = process.getActiveResourcesInfo();
  return Object.fromEntries(COUNTED.map((kind) => [kind, held.filter((one) => one === kind).length]));
}

/** What is held more than before, once what is being closed has had its time; `null` when nothing is. */
export async function resourcesLeft(before: Resources): Promise<string | null> {
  const more = (): string[] =>
    Object.entries(heldResources()).flatMap(([kind, count]) => {
      const surplus = count - (before[kind] ?? 0);
      return surplus > 0 ? [`${surplus} ${kind}`] : [];
    });
  try {
    await waitUntil(() => more().length === 0, { what: '', timeoutMs: 5000 });
    return null;
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return `still held by this process: ${more().join(', ')}`;
  }
}

async function readIfThere(path: string): Promise<string> {
  // Ended meanwhile, or another user's: neither is of this suite. A zombie's files are empty.
  return await readFile(path, 'utf8').catch(() => '');
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Ended meanwhile.
  }
}
