import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults in what others are told. */
export const redactionMutants: readonly Mutant[] = [
  {
    id: 'redaction/shows-arguments-in-errors',
    breaks: 'No error shows an argument: the whole command line is in the message.',
    failedBy: ['redaction.errors'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch((error: Error) => {
              error.message += ` (${[command.file, ...command.args].join(' ')})`;
              throw error;
            }),
        }),
      }),
  },
  {
    id: 'redaction/keeps-variables-in-errors',
    breaks: "No error shows a variable's value: the command is kept in the error's cause.",
    failedBy: ['redaction.errors'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => ({
          spawn: (command, options) =>
            spawn(command, options).catch((error: Error) => {
              error.cause = { options: command };
              throw error;
            }),
        }),
      }),
  },
  {
    id: 'redaction/shows-arguments-in-events',
    breaks: 'No event shows an argument: a notice says what is started.',
    failedBy: ['redaction.events'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }, { emit }) => ({
          spawn: (command, options) => {
            emit({ topic: 'environment', type: 'notice', message: `starting ${command.args.join(' ')}` });
            return spawn(command, options);
          },
        }),
      }),
  },
  {
    id: 'redaction/shows-variables-in-detection',
    breaks: "Nothing of selection shows a variable's value: they are in the detail of what was found.",
    failedBy: ['redaction.start-errors'],
    backend: (real) =>
      wrap(real, {
        detect: async (_detect, { env }) => ({ available: true, detail: `with ${JSON.stringify(env)}` }),
      }),
  },
];
