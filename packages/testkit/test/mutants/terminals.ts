import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Of a backend that has terminals. */
export const terminalsMutants: readonly Mutant[] = [
  {
    id: 'terminals/for-everybody',
    breaks: 'Every process gets a terminal, whether it was asked for or not.',
    failedBy: ['terminals.only-when-asked'],
    backend: (real) =>
      wrap(real, { command: (command) => ({ ...command, tty: command.tty ?? { columns: 80, rows: 24 } }) }),
  },
  {
    id: 'terminals/of-another-size',
    breaks: 'Every terminal has 80 columns and 24 rows.',
    failedBy: ['terminals.size'],
    backend: (real) =>
      wrap(real, {
        command: ({ tty, ...command }) =>
          tty === undefined ? command : { ...command, tty: { columns: 80, rows: 24 } },
      }),
  },
  {
    id: 'terminals/never-resized',
    breaks: 'resize() does nothing.',
    failedBy: ['terminals.size'],
    backend: (real) => wrap(real, { process: () => ({ resize: () => Promise.resolve() }) }),
  },
];
