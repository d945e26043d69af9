import { constants } from 'node:os';
import { CompanionError } from '@companion/core';
import type { ProcessExit, Signal } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

function signalNumbered(number: number): Signal | undefined {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] as Signal | undefined;
}

/** Starts nothing, and says so with another code. */
function insteadOf(code: string, instead: string) {
  return (error: unknown): never => {
    if (CompanionError.is(error) && error.code === code) {
      throw Object.assign(new CompanionError('COMPANION_START_FAILED', error.message), { code: instead });
    }
    throw error;
  };
}

/** Faults in how a process's end, or its failure to start, is reported. */
export const exitStatusMutants: readonly Mutant[] = [
  {
    id: 'exit-status/signal-as-code',
    breaks: 'Death by a signal is reported as that signal: it is reported as code 128 + n.',
    failedBy: [
      'exit-status.signal-death-is-a-signal',
      'exit-status.failure-rejects',
      'cancellation.reject-false',
    ],
    backend: (real) =>
      wrap(real, {
        process: ({ exited }) => ({
          exited: exited.then(({ code, signal }): ProcessExit => {
            return signal === null
              ? { code, signal }
              : { code: 128 + constants.signals[signal], signal: null };
          }),
        }),
      }),
  },
  {
    id: 'exit-status/code-as-signal',
    breaks: 'A code stays a code: those above 128 are taken for signals.',
    failedBy: ['exit-status.high-code-is-a-code', 'exit-status.codes'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited }) => ({
          exited: exited.then((exit): ProcessExit => {
            const signal = signalNumbered((exit.code ?? 0) - 128);
            return signal === undefined ? exit : { code: null, signal };
          }),
        }),
      }),
  },
  {
    id: 'exit-status/seven-bits',
    breaks: 'Every code is reported as it is: 255 becomes 127.',
    failedBy: ['exit-status.codes'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited }) => ({
          exited: exited.then((exit): ProcessExit => {
            return exit.code === null ? exit : { code: exit.code & 127, signal: null };
          }),
        }),
      }),
  },
  {
    id: 'exit-status/invents-zero',
    breaks: 'A verdict is never made up: what has no code is reported as 0.',
    failedBy: ['exit-status.signal-death-is-a-signal'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited }) => ({
          exited: exited.then(({ code }): ProcessExit => ({ code: code ?? 0, signal: null })),
        }),
      }),
  },
  {
    id: 'exit-status/loses-one-in-a-hundred',
    breaks: 'No verdict is lost: the hundredth process ends with 0, whatever it said.',
    failedBy: ['exit-status.codes'],
    backend: (real) => {
      let processes = 0;
      return wrap(real, {
        process: ({ exited }) => {
          processes += 1;
          return processes % 100 === 0 ? { exited: exited.then(() => ({ code: 0, signal: null })) } : {};
        },
      });
    },
  },
  {
    id: 'exit-status/waits-for-pipes',
    breaks: "The verdict follows the process's own end: it waits until its pipes are closed.",
    failedBy: ['exit-status.orphan-does-not-delay', 'streams.run-cuts-orphan-pipe'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited, stdout }) => {
          const closed = new Promise<void>((resolve) => stdout.once('close', resolve));
          return { exited: closed.then(() => exited) };
        },
      }),
  },
  {
    id: 'exit-status/waits-for-stdin',
    breaks: "The verdict follows the process's own end: it waits until its standard input has ended.",
    failedBy: ['exit-status.open-stdin-does-not-delay'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited, stdin }) => {
          if (stdin === null) return {};
          const finished = new Promise<void>((resolve) => stdin.once('finish', resolve));
          return { exited: finished.then(() => exited) };
        },
      }),
  },
  {
    id: 'exit-status/shell-code-as-lost',
    breaks: "127 of a shell is the shell's own code: it is taken for a command that was not found.",
    failedBy: ['exit-status.shell-codes-are-codes', 'exit-status.codes'],
    backend: (real) =>
      wrap(real, {
        process: ({ exited }) => ({
          exited: exited.then((exit) => {
            if (exit.code === 127) throw new Error('command not found');
            return exit;
          }),
        }),
      }),
  },
  {
    id: 'exit-status/wrong-pid',
    breaks: "pid is the process's own: it is that of a wrapper around it.",
    failedBy: ['exit-status.pid'],
    backend: (real) => wrap(real, { process: ({ pid }) => ({ pid: (pid ?? 0) + 1 }) }),
  },
  {
    id: 'exit-status/pid-of-another-world',
    breaks: "Where process ids are shared, pid is this machine's: it is a number that means nothing here.",
    failedBy: ['processes.shared', 'exit-status.pid'],
    // More than the kernel ever gives out.
    backend: (real) => wrap(real, { process: ({ pid }) => ({ pid: (pid ?? 0) + 4_194_304 }) }),
  },
  {
    id: 'exit-status/forgets-pid',
    breaks: 'A process that runs has a pid: it is null.',
    failedBy: ['exit-status.pid'],
    backend: (real) => wrap(real, { process: () => ({ pid: null }) }),
  },
  {
    id: 'exit-status/hangs-on-missing-command',
    breaks: 'A missing command is reported: the start never settles.',
    failedBy: ['exit-status.not-found'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) => spawn(command, options).catch(() => new Promise(() => {})),
        }),
      }),
  },
  {
    id: 'exit-status/missing-command-as-127',
    breaks: 'What never ran has no exit code: a missing command ends with 127, as in a shell.',
    failedBy: ['exit-status.not-found', 'arguments.command-is-one-word'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch(() => {
              return spawn({ ...command, file: '/bin/sh', args: ['-c', 'exit 127'] }, options);
            }),
        }),
      }),
  },
  {
    id: 'exit-status/not-executable-as-not-found',
    breaks: 'What cannot be executed has a code of its own: it is reported as not found.',
    failedBy: ['exit-status.not-executable'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch(
              insteadOf('COMPANION_COMMAND_NOT_EXECUTABLE', 'COMPANION_COMMAND_NOT_FOUND'),
            ),
        }),
      }),
  },
  {
    id: 'exit-status/missing-directory-as-missing-command',
    breaks: 'A missing directory has a code of its own: it is reported as a missing command.',
    failedBy: ['exit-status.missing-directory'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch(
              insteadOf('COMPANION_WORK_DIR_NOT_FOUND', 'COMPANION_COMMAND_NOT_FOUND'),
            ),
        }),
      }),
  },
  {
    id: 'exit-status/falls-back-to-another-directory',
    breaks: 'A missing directory is an error: the command runs in the root directory instead.',
    failedBy: ['exit-status.missing-directory'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch((error: unknown) => {
              if (!CompanionError.is(error, 'COMPANION_WORK_DIR_NOT_FOUND')) throw error;
              return spawn({ ...command, cwd: '/' }, options);
            }),
        }),
      }),
  },
  {
    id: 'exit-status/sees-no-descendants',
    breaks: 'descendants() lists those that live: it lists none.',
    failedBy: ['descendants.wait-on'],
    backend: (real) => wrap(real, { process: () => ({ descendants: () => Promise.resolve([]) }) }),
  },
];
