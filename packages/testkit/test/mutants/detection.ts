import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults in what is said before anything is started. */
export const detectionMutants: readonly Mutant[] = [
  {
    id: 'detection/throws',
    breaks: 'detect() answers: it rejects.',
    failedBy: ['detection'],
    breaksEverything: true,
    backend: (real) => wrap(real, { detect: () => Promise.reject(new Error('no engine')) }),
  },
  {
    id: 'detection/hangs',
    breaks: 'detect() answers: it never settles.',
    failedBy: ['detection'],
    breaksEverything: true,
    backend: (real) => wrap(real, { detect: () => new Promise(() => {}) }),
  },
  {
    id: 'detection/says-no-without-a-reason',
    breaks: 'A "no" has a reason: it has none.',
    failedBy: ['detection'],
    breaksEverything: true,
    backend: (real) => wrap(real, { detect: () => Promise.resolve({ available: false } as never) }),
  },
  {
    id: 'detection/raises',
    breaks: 'Capabilities are lowered, never raised: it finds that it has terminals after all.',
    failedBy: ['detection'],
    breaksEverything: true,
    backend: (real) =>
      wrap(real, { detect: () => Promise.resolve({ available: true, lowered: { tty: true } }) }),
  },
  {
    id: 'detection/changes-its-mind',
    breaks: "This machine's truth does not change by asking: every second answer lowers a capability.",
    failedBy: ['detection.requires-met', 'detection.lowered'],
    backend: (real) => {
      let answers = 0;
      return wrap(real, {
        detect: () => {
          answers += 1;
          return Promise.resolve(
            answers % 2 === 1 ? { available: true } : { available: true, lowered: { killTree: false } },
          );
        },
      });
    },
  },
  {
    id: 'detection/is-slow',
    breaks: 'detect() is quick: it takes a second.',
    failedBy: ['detection.quick'],
    backend: (real) =>
      wrap(real, {
        detect: async (detect, _request, { signal }) => {
          await delay(1000, undefined, signal === undefined ? {} : { signal });
          return await detect();
        },
      }),
  },
  {
    id: 'detection/leaves-files',
    breaks: 'detect() has no side effects: it leaves a file in the source directory.',
    failedBy: ['detection.no-side-effects'],
    backend: (real) =>
      wrap(real, {
        detect: async (detect, { sourceDir }) => {
          await writeFile(join(sourceDir, '.probe'), '');
          return await detect();
        },
      }),
  },
  {
    id: 'detection/one-at-a-time',
    breaks: 'Detections are independent: a second one at the same time says no.',
    failedBy: ['detection.concurrent'],
    backend: (real) => {
      let running = 0;
      return wrap(real, {
        detect: async (detect) => {
          if (running > 0) return { available: false, reason: 'it is being asked already' };
          running += 1;
          await delay(5);
          running -= 1;
          return await detect();
        },
      });
    },
  },
  {
    id: 'detection/deaf-to-abort',
    breaks: 'An aborted detect() gives up: it hangs when it is aborted.',
    failedBy: ['detection.aborted'],
    backend: (real) =>
      wrap(real, {
        detect: async (detect, _request, { signal }) => {
          await delay(5);
          return signal?.aborted ? await new Promise(() => {}) : await detect();
        },
      }),
  },
  {
    id: 'detection/unclear-detail',
    breaks: 'What was found is one line: the detail is a page.',
    failedBy: ['detection.reason'],
    backend: (real) => wrap(real, { detect: () => Promise.resolve({ available: true, detail: 'a\nb\n' }) }),
  },
  {
    id: 'detection/capabilities-change',
    breaks: 'Capabilities are known before any I/O: they differ at every reading.',
    failedBy: ['detection.capabilities'],
    backend: (real) => {
      let readings = 0;
      const { capabilities } = real;
      return {
        ...wrap(real),
        get capabilities() {
          readings += 1;
          return readings % 2 === 0 ? { ...capabilities, user: !capabilities.user } : capabilities;
        },
      };
    },
  },
];
