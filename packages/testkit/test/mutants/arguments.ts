import type { Command } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

function changed(
  change: (args: readonly string[], command: Command) => readonly string[],
): Mutant['backend'] {
  return (real) =>
    wrap(real, { command: (command) => ({ ...command, args: change(command.args, command) }) });
}

/** Faults in the words that a program is given. `sh -c script sh` is left alone, or no case would get as far. */
export const argumentsMutants: readonly Mutant[] = [
  {
    id: 'arguments/drops-empty',
    breaks: 'An empty argument is an argument: it is left out.',
    failedBy: ['arguments.empty'],
    backend: changed((args) => args.filter((one) => one !== '')),
  },
  {
    id: 'arguments/splits-on-spaces',
    breaks: 'An argument is one word: it is split at its spaces.',
    failedBy: ['arguments.special-characters', 'arguments.large'],
    backend: changed(([option, script, ...rest]) =>
      option === '-c' && script !== undefined
        ? [option, script, ...rest.flatMap((one) => one.split(' '))]
        : [option ?? '', ...(script === undefined ? [] : [script]), ...rest],
    ),
  },
  {
    id: 'arguments/through-a-shell',
    breaks: 'Arguments are never shell words: the command line is handed to a shell.',
    failedBy: ['arguments.special-characters', 'arguments.command-is-one-word'],
    backend: (real) =>
      wrap(real, {
        command: (command) => {
          const [option, script, ...rest] = command.args;
          if (command.file === 'sh' && option === '-c' && script !== undefined) {
            const words = rest.map((one) => `"${one.replaceAll('"', '\\"')}"`).join(' ');
            return { ...command, args: ['-c', `exec sh -c "$1" ${words}`, 'sh', script] };
          }
          return { ...command, file: 'sh', args: ['-c', [command.file, ...command.args].join(' ')] };
        },
      }),
  },
  {
    id: 'arguments/joins-lines',
    breaks: 'A line break in an argument stays: it becomes a space.',
    failedBy: ['arguments.line-breaks'],
    backend: changed(([option, script, ...rest]) =>
      option === undefined || script === undefined
        ? option === undefined
          ? []
          : [option]
        : [option, script, ...rest.map((one) => one.replaceAll('\n', ' '))],
    ),
  },
  {
    id: 'arguments/latin1',
    breaks: 'Arguments are UTF-8: other characters become question marks.',
    failedBy: ['arguments.unicode'],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII
    backend: changed((args) => args.map((one) => one.replace(/[^\x00-\x7f]/gu, '?'))),
  },
  {
    id: 'arguments/takes-dashes-for-its-own',
    breaks: 'Arguments that begin with a dash belong to the program: "--" is taken away.',
    failedBy: ['arguments.leading-dashes'],
    backend: changed((args) => args.filter((one) => one !== '--')),
  },
  {
    id: 'arguments/cuts-at-64-kib',
    breaks: 'An argument of 100 KB arrives: it is cut after 64 KiB.',
    failedBy: ['arguments.large'],
    backend: changed((args) => args.map((one) => one.slice(0, 65_536))),
  },
];
