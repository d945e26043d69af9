import type { Signal } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

function signalGroup(pid: number | null, signal: Signal): void {
  try {
    if (pid !== null) process.kill(-pid, signal);
  } catch {
    // Nothing is left of the group.
  }
}

/** Faults in how processes are told to end. */
export const signalsMutants: readonly Mutant[] = [
  {
    id: 'signals/says-delivered',
    breaks: 'kill() delivers: it resolves at once and does nothing for TERM.',
    failedBy: ['signals.term-and-kill', 'signals.process-alone', 'signals.stop-is-polite'],
    backend: (real) =>
      wrap(real, {
        process: ({ kill }) => ({
          kill: (signal, target) => (signal === 'SIGTERM' ? Promise.resolve() : kill(signal, target)),
        }),
      }),
  },
  {
    id: 'signals/always-kills',
    breaks: 'The signal asked for is delivered: it is KILL every time.',
    failedBy: [
      'signals.term-and-kill',
      'signals.each-is-reported',
      'signals.each-can-be-trapped',
      'signals.stop-is-polite',
      'signals.stop-is-polite-to-all',
      'cancellation.abort-during-run',
      'cancellation.timeout-is-no-success',
      'cancellation.stopped',
    ],
    backend: (real) =>
      wrap(real, { process: ({ kill }) => ({ kill: (_signal, target) => kill('SIGKILL', target) }) }),
  },
  {
    id: 'signals/always-terminates',
    breaks: 'KILL cannot be ignored: TERM is sent instead.',
    failedBy: ['signals.kill-after-grace', 'cancellation.abort-ends-process'],
    backend: (real) =>
      wrap(real, { process: ({ kill }) => ({ kill: (_signal, target) => kill('SIGTERM', target) }) }),
  },
  {
    id: 'signals/never-ends',
    breaks: 'kill() ends the process: it resolves and does nothing.',
    failedBy: ['cancellation.output-too-large', 'cancellation.failing-listener', 'streams.kill-while-unread'],
    backend: (real) => wrap(real, { process: () => ({ kill: () => Promise.resolve() }) }),
  },
  {
    id: 'signals/resolves-early',
    breaks: 'kill() resolves when nothing of the tree is left: it resolves when it begins.',
    failedBy: ['signals.stop-resolves-when-gone'],
    backend: (real) =>
      wrap(real, {
        process: ({ kill }) => ({
          kill: (signal, target) => {
            setTimeout(() => void kill(signal, target).catch(() => {}), 50);
            return kill(signal, 'process');
          },
        }),
      }),
  },
  {
    id: 'signals/leader-only',
    breaks: 'The whole tree is ended: only the process itself is.',
    failedBy: [
      'signals.whole-tree',
      'signals.to-tree',
      'signals.stop-after-end',
      'signals.stop-is-polite-to-all',
      'cancellation.abort-during-run',
      'cancellation.timeout',
      'cancellation.too-large-leaves-nothing',
      'descendants.stopped',
      'streams.stop-closes-held-pipes',
    ],
    backend: (real) => wrap(real, { process: ({ kill }) => ({ kill: (signal) => kill(signal, 'process') }) }),
  },
  {
    id: 'signals/group-only',
    breaks: 'The whole tree is ended: what has left the process group is forgotten.',
    failedBy: ['signals.whole-tree', 'signals.stop-after-end'],
    backend: (real) =>
      wrap(real, {
        process: ({ kill, pid }) => ({
          kill: async (signal, target) => {
            if (target === 'tree') signalGroup(pid, signal);
            else await kill(signal, target);
          },
        }),
      }),
  },
  {
    id: 'signals/tree-instead-of-process',
    breaks: 'signal() reaches the process alone: it reaches its descendants, too.',
    failedBy: ['signals.process-alone'],
    backend: (real) => wrap(real, { process: ({ kill }) => ({ kill: (signal) => kill(signal, 'tree') }) }),
  },
  {
    id: 'signals/loud-after-the-end',
    breaks: 'kill() after the end is quiet: it rejects.',
    failedBy: ['signals.quiet-after-end'],
    backend: (real) =>
      wrap(real, {
        process: ({ kill, exited }) => {
          let ended = false;
          const end = (): void => {
            ended = true;
          };
          exited.then(end, end);
          return {
            kill: async (signal, target) => {
              if (ended) throw new Error('no such process');
              await kill(signal, target);
            },
          };
        },
      }),
  },
  {
    id: 'signals/ignores-sigpipe',
    breaks: "A process starts with no signal ignored: it inherits this program's ignored SIGPIPE.",
    failedBy: ['signals.default-dispositions'],
    backend: (real) =>
      wrap(real, {
        command: ({ file, args, ...command }) => ({
          ...command,
          file: 'sh',
          args: ['-c', 'trap "" PIPE; exec "$@"', 'sh', file, ...args],
        }),
      }),
  },
];
