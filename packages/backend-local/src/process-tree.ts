import type { Signal } from '@companion/core/backend';
import { survivors } from './host-commands.js';
import { type ProcessEntry, readProcessTable } from './process-table.js';

/** How long processes may take to vanish after SIGKILL; one that waits for a dead disk takes longer. */
const VANISH_MS = 5000;
/** A tree that grows faster than this is ended by SIGKILL alone. */
const MAX_LOOKS = 4;

/** A process whose session and group belong to a tree, as long as nobody else has its id. */
export interface Leader {
  readonly pid: number;
  /** Its id is certainly its own; its mark need not be readable, and in the moment of an exec(2) it is not. */
  readonly running: boolean;
}

/**
 * A set of processes that grows by descent: found by their mark, by their parent, by the session or group that one of
 * them leads, and remembered from one look to the next, so that one which loses all three between two looks is still
 * known. What escapes is a process that has wiped its environment, left its session and lost its parent before the
 * first look.
 */
export class ProcessTree {
  readonly #isMarked: (mark: string) => boolean;
  readonly #leaders: () => Iterable<Leader>;
  /** Process id to start time. */
  #known = new Map<number, string>();

  constructor(isMarked: (mark: string) => boolean, leaders: () => Iterable<Leader>) {
    this.#isMarked = isMarked;
    this.#leaders = leaders;
  }

  /** Everything of the tree that has not ended. */
  async members(): Promise<readonly ProcessEntry[]> {
    const table = await readProcessTable();
    const members = new Map<number, ProcessEntry>();
    const leaders = new Map([...this.#leaders()].map((leader) => [leader.pid, leader]));
    for (const entry of table) {
      const isLeader = leaders.get(entry.pid)?.running === true;
      if (isLeader || this.#known.get(entry.pid) === entry.startedAt || this.#carriesMark(entry)) {
        members.set(entry.pid, entry);
      }
    }
    // An id that somebody else has now no longer stands for a session or group of ours.
    for (const entry of table) if (!members.has(entry.pid)) leaders.delete(entry.pid);
    for (let grown = true; grown; ) {
      grown = false;
      for (const entry of table) {
        if (members.has(entry.pid) || !belongs(entry, members, leaders)) continue;
        members.set(entry.pid, entry);
        grown = true;
      }
    }
    this.#known = new Map([...members.values()].map((entry) => [entry.pid, entry.startedAt]));
    return [...members.values()];
  }

  /** Signals everything of the tree, each process once; with SIGKILL, again until nothing is left. */
  async kill(signal: Signal): Promise<void> {
    await (signal === 'SIGKILL' ? this.#killAll() : this.#signalAll(signal));
  }

  async #killAll(): Promise<void> {
    const deadline = Date.now() + VANISH_MS;
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
      const members = await this.members();
      if (members.length === 0) return;
      for (const { pid } of members) sendSignal(pid, 'SIGKILL');
      if (Date.now() > deadline) throw survivors(`still there ${VANISH_MS} ms after SIGKILL`, members);
      // The kernel reports the end of children alone, and most of these are not ours.
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /** Looks again: one that was forked while its parent was being signalled has heard nothing yet. */
  async #signalAll(signal: Signal): Promise<void> {
    const signalled = new Set<number>();
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const fresh = (await this.members()).filter(({ pid }) => !signalled.has(pid));
      if (fresh.length === 0) return;
      for (const { pid } of fresh) {
        signalled.add(pid);
        sendSignal(pid, signal);
      }
    }
  }

  #carriesMark(entry: ProcessEntry): boolean {
    const mark = entry.mark();
    return mark !== undefined && this.#isMarked(mark);
  }
}

function belongs(
  entry: ProcessEntry,
  members: ReadonlyMap<number, ProcessEntry>,
  leaders: ReadonlyMap<number, Leader>,
): boolean {
  const { parent, session, group } = entry;
  return (
    members.has(parent) ||
    leaders.has(session) ||
    leaders.has(group) ||
    members.get(session)?.session === session ||
    members.get(group)?.group === group
  );
}

function sendSignal(pid: number, signal: Signal): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile; or another user's now, which the next look tells.
  }
}
