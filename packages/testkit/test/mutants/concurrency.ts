import { setImmediate as turn } from 'node:timers/promises';
import type { BackendProcess, Command } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults that show only when there is more than one process. */
export const concurrencyMutants: readonly Mutant[] = [
  {
    id: 'concurrency/ten-at-a-time',
    breaks: 'Processes run at the same time: the eleventh waits for another one to end.',
    failedBy: ['concurrency.hundred-at-once'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => {
          let free = 10;
          const waiting: (() => void)[] = [];
          const release = (): void => {
            const next = waiting.shift();
            if (next === undefined) free += 1;
            else next();
          };
          return {
            spawn: async (command, options) => {
              if (free > 0) free -= 1;
              else await new Promise<void>((resolve) => waiting.push(resolve));
              const process = await spawn(command, options);
              process.exited.then(release, release);
              return process;
            },
          };
        },
      }),
  },
  {
    id: 'concurrency/shares-its-command',
    breaks: 'Each process has its own command: what is started in the same moment gets the last one.',
    failedBy: ['concurrency.hundred-at-once', 'concurrency.run-many'],
    backend: (real) => {
      let latest: Command;
      return wrap(real, {
        environment: ({ spawn }) => ({
          spawn: async (command, options) => {
            latest = command;
            await turn();
            return await spawn(latest, options);
          },
        }),
      });
    },
  },
  {
    id: 'concurrency/one-pid',
    breaks: 'Each process has its own pid: all of them have the same.',
    failedBy: ['concurrency.hundred-at-once'],
    backend: (real) => wrap(real, { process: () => ({ pid: 1 }) }),
  },
  {
    id: 'concurrency/mixes-streams',
    breaks: 'Streams are kept apart: with more than five processes two of them have the same output.',
    failedBy: ['concurrency.hundred-at-once', 'concurrency.large-streams', 'concurrency.run-many'],
    backend: (real) => {
      const running = new Set<BackendProcess>();
      return wrap(real, {
        process: (process) => {
          const [other] = running;
          const mixed = running.size > 5 && other !== undefined ? { stdout: other.stdout } : {};
          running.add(process);
          const forget = (): void => void running.delete(process);
          process.exited.then(forget, forget);
          return mixed;
        },
      });
    },
  },
  {
    id: 'concurrency/stops-all',
    breaks: 'Stopping one process leaves the others alone: it stops all of them.',
    failedBy: ['concurrency.stop-one-of-many', 'descendants.other-names'],
    backend: (real) => {
      const running = new Set<BackendProcess>();
      return wrap(real, {
        process: (process) => {
          running.add(process);
          const forget = (): void => void running.delete(process);
          process.exited.then(forget, forget);
          return {
            kill: async (signal) => {
              await Promise.all([process, ...running].map((one) => one.kill(signal, 'tree')));
            },
          };
        },
      });
    },
  },
];
