import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults in giving up. What ends a running process is shown by the mutants of `signals`. */
export const cancellationMutants: readonly Mutant[] = [
  {
    id: 'cancellation/forgets-an-aborted-start',
    breaks: 'An aborted start leaves nothing: the process that was started meanwhile runs on.',
    failedBy: ['cancellation.abort-during-start'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: async (command, { signal }) => {
            const process = await spawn(command, {});
            signal?.throwIfAborted();
            return process;
          },
        }),
      }),
  },
  {
    id: 'cancellation/waits-out-an-aborted-start',
    breaks: 'An aborted start settles: it never does.',
    failedBy: ['cancellation.abort-during-start'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: async (command, { signal }) => {
            const process = await spawn(command, {});
            if (signal?.aborted) await new Promise(() => {});
            return process;
          },
        }),
      }),
  },
  {
    id: 'cancellation/runs-after-the-end',
    breaks: 'A process that was stopped is not started again: it comes back.',
    failedBy: ['cancellation.abort-during-run', 'signals.whole-tree'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: async (command, options) => {
            const process = await spawn(command, options);
            const again = ({ signal }: { readonly signal: unknown }): void => {
              if (signal !== null) spawn(command, {}).catch(() => {});
            };
            process.exited.then(again, () => {});
            return process;
          },
        }),
      }),
  },
];
