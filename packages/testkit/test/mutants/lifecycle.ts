import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

const nothing = () => Promise.resolve();

/** Faults in how environments come and go. */
export const lifecycleMutants: readonly Mutant[] = [
  {
    id: 'lifecycle/leaks-on-failed-start',
    breaks: 'A failed start leaves nothing: its main process runs on.',
    failedBy: ['lifecycle.missing-binaries'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => ({
          start: async (options) => {
            const { main, ...started } = await start(options);
            return main === undefined ? started : { ...started, main: { ...main, kill: nothing } };
          },
          stop: nothing,
          shutdown: nothing,
        }),
      }),
  },
  {
    id: 'lifecycle/leaks-on-aborted-start',
    breaks: 'An aborted start leaves nothing: its main process runs on.',
    failedBy: ['lifecycle.aborted-during-init', 'lifecycle.shutdown-during-init'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start, shutdown }) => {
          let aborted = false;
          return {
            start: async ({ signal }) => {
              const started = await start({});
              // As long as an engine may take, so that an abort comes in between.
              await new Promise((resolve) => setTimeout(resolve, 300));
              aborted = signal?.aborted ?? false;
              signal?.throwIfAborted();
              return started;
            },
            shutdown: (options) => (aborted ? Promise.resolve() : shutdown(options)),
          };
        },
      }),
  },
  {
    id: 'lifecycle/deaf-to-abort',
    breaks: 'An aborted start gives up: it never settles.',
    failedBy: ['lifecycle.aborted-during-init'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => ({
          start: async ({ signal }) => {
            await new Promise((resolve) => setTimeout(resolve, 50));
            if (signal?.aborted) await new Promise(() => {});
            return await start({ signal });
          },
        }),
      }),
  },
  {
    id: 'lifecycle/keeps-the-lock-of-a-failed-start',
    breaks: 'A start that failed can be tried again: what it had taken stays taken.',
    failedBy: ['lifecycle.failed-start-retried'],
    backend: (real) => {
      const taken = new Set<string>();
      return wrap(real, {
        environment: ({ start, resolveBinary, shutdown }, { sourceDir }) => {
          let complete = true;
          return {
            start: async (options) => {
              if (taken.has(sourceDir)) throw new Error('the directory is locked');
              taken.add(sourceDir);
              return await start(options);
            },
            resolveBinary: async (file, at) => {
              const path = await resolveBinary(file, at);
              complete &&= path !== null;
              return path;
            },
            shutdown: async (options) => {
              if (complete) taken.delete(sourceDir);
              await shutdown(options);
            },
          };
        },
      });
    },
  },
  {
    id: 'lifecycle/refuses-namesakes',
    breaks: 'A name need not be unique: it is refused while another companion has it.',
    failedBy: ['lifecycle.two-of-one-name'],
    backend: (real) => {
      const running = new Set<string>();
      return wrap(real, {
        environment: ({ start, shutdown }, { name }) => ({
          start: async (options) => {
            if (running.has(name)) throw new Error(`the name ${name} is in use`);
            running.add(name);
            return await start(options);
          },
          shutdown: async (options) => {
            running.delete(name);
            await shutdown(options);
          },
        }),
      });
    },
  },
  {
    id: 'lifecycle/ends-its-namesake',
    breaks: 'Companions of one name do not disturb each other: shutdown() ends all of that name.',
    failedBy: ['lifecycle.two-of-one-name'],
    backend: (real) => {
      const environments = new Map<string, Set<Environment>>();
      return wrap(real, {
        environment: (environment, { name }) => {
          const namesakes = environments.get(name) ?? new Set();
          environments.set(name, namesakes.add(environment));
          return {
            shutdown: async () => void (await Promise.all([...namesakes].map((one) => one.shutdown()))),
          };
        },
      });
    },
  },
  {
    id: 'lifecycle/short-names',
    breaks: 'Every allowed name works: those with a dot are refused.',
    failedBy: ['lifecycle.names'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }, { name }) => ({
          start: (options) =>
            name.includes('.') ? Promise.reject(new Error(`bad name ${name}`)) : start(options),
        }),
      }),
  },
  {
    id: 'lifecycle/starts-once',
    breaks: 'start() works again after stop(): it rejects.',
    failedBy: [
      'lifecycle.stop-keeps-files',
      'lifecycle.stop-settles-processes',
      'lifecycle.main-stops',
      'ports.wait-after-stop',
    ],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => {
          let starts = 0;
          return {
            start: (options) =>
              ++starts === 1 ? start(options) : Promise.reject(new Error('started already')),
          };
        },
      }),
  },
  {
    id: 'lifecycle/stop-removes-files',
    breaks: 'Files outlive stop(): the workspace is emptied.',
    failedBy: ['lifecycle.stop-keeps-files'],
    backend: (real) =>
      wrap(real, {
        environment: ({ stop }, { sourceDir }) => ({
          stop: async () => {
            await stop();
            for (const name of await readdir(sourceDir)) await rm(join(sourceDir, name), { recursive: true });
          },
        }),
      }),
  },
  {
    id: 'lifecycle/stop-leaves-processes',
    breaks: 'After stop() nothing runs: what ended processes have left behind does.',
    failedBy: ['lifecycle.stop-ends-descendants'],
    backend: (real) => wrap(real, { environment: () => ({ stop: nothing }) }),
  },
  {
    id: 'lifecycle/stop-leaves-processes-it-cannot-kill',
    breaks: 'After stop() nothing runs: without killTree the processes themselves do.',
    failedBy: ['lifecycle.stop-ends-processes'],
    backend: (real) =>
      wrap(real, {
        capabilities: { killTree: false },
        environment: () => ({ stop: nothing }),
        process: () => ({ kill: nothing }),
      }),
  },
  {
    id: 'lifecycle/shutdown-leaves-processes',
    breaks: 'After shutdown() nothing runs: what ended processes have left behind does.',
    failedBy: ['lifecycle.shutdown-ends-descendants'],
    backend: (real) => wrap(real, { environment: () => ({ shutdown: nothing }) }),
  },
  {
    id: 'lifecycle/shutdown-fails',
    breaks: 'shutdown() works in any state: it rejects.',
    failedBy: ['lifecycle.shutdown-twice', 'lifecycle.dispose', 'lifecycle.reuse-accepted'],
    backend: (real) =>
      wrap(real, {
        environment: ({ shutdown }) => ({
          shutdown: async (options) => {
            await shutdown(options);
            throw new Error('it was gone already');
          },
        }),
      }),
  },
  {
    id: 'lifecycle/shutdown-only-once-stopped',
    breaks: 'shutdown() works in any state: it fails for an environment that was stopped before.',
    failedBy: ['lifecycle.shutdown-twice'],
    backend: (real) =>
      wrap(real, {
        environment: ({ stop, shutdown }) => {
          let stopped = false;
          return {
            stop: async () => {
              await stop();
              stopped = true;
            },
            shutdown: (options) => (stopped ? Promise.reject(new Error('not running')) : shutdown(options)),
          };
        },
      }),
  },
  {
    id: 'lifecycle/ignores-main',
    breaks: 'With pause: false there is a main process: there is none.',
    failedBy: [
      'lifecycle.main',
      'lifecycle.main-logs-follow',
      'lifecycle.main-words',
      'lifecycle.main-surroundings',
      'lifecycle.main-stops',
      'lifecycle.main-not-found',
    ],
    backend: (real) => wrap(real, { request: (request) => ({ ...request, main: undefined }) }),
  },
  {
    id: 'lifecycle/main-through-a-shell',
    breaks: 'The words of the main process are words: they become one line for a shell.',
    failedBy: ['lifecycle.main-words'],
    backend: (real) =>
      wrap(real, {
        request: (request) => {
          const { main } = request;
          if (main === undefined) return request;
          const words = [...(main.entrypoint ?? []), ...(main.command ?? [])];
          const line = words.map((word, index) => (index < 3 ? `'${word}'` : word)).join(' ');
          return { ...request, main: { entrypoint: ['sh', '-c', line], command: undefined } };
        },
      }),
  },
  {
    id: 'lifecycle/bare-main',
    breaks: "The main process has the companion's variables: it has none.",
    failedBy: ['lifecycle.main-surroundings'],
    backend: (real) => wrap(real, { request: (request) => ({ ...request, env: {} }) }),
  },
  {
    id: 'lifecycle/ends-with-main',
    breaks: 'The end of the main process does not end the environment: it is lost.',
    failedBy: ['lifecycle.main'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => ({
          start: async (options) => {
            const started = await start(options);
            const { main } = started;
            if (main === undefined) return started;
            return { ...started, lost: main.exited.then(() => new Error('the main process has ended')) };
          },
        }),
      }),
  },
  {
    id: 'lifecycle/always-has-a-main',
    breaks: 'An idle companion has no main process: it has one, which says something.',
    failedBy: ['lifecycle.main-absent'],
    backend: (real) =>
      wrap(real, {
        request: (request) => ({
          ...request,
          main: request.main ?? { entrypoint: ['sh', '-c', 'echo idle'], command: undefined },
        }),
      }),
  },
  {
    id: 'lifecycle/says-yes-without-a-command',
    breaks: 'What cannot be run is refused by detect(): it says yes.',
    failedBy: ['lifecycle.main-needs-command'],
    backend: (real) => wrap(real, { detect: () => Promise.resolve({ available: true }) }),
  },
  {
    id: 'lifecycle/finds-everything',
    breaks: 'resolveBinary() says what is missing: nothing ever is.',
    failedBy: ['lifecycle.missing-binaries', 'lifecycle.failed-start-retried'],
    backend: (real) =>
      wrap(real, { environment: () => ({ resolveBinary: (file) => Promise.resolve(`/bin/${file}`) }) }),
  },
  {
    id: 'lifecycle/finds-nothing',
    breaks: 'resolveBinary() finds what is there: it finds nothing.',
    failedBy: ['lifecycle.missing-binaries', 'lifecycle.failed-start-retried'],
    backend: (real) => wrap(real, { environment: () => ({ resolveBinary: () => Promise.resolve(null) }) }),
  },
];
