import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

function changed(
  change: (env: Readonly<Record<string, string>>) => Record<string, string>,
): Mutant['backend'] {
  return (real) => wrap(real, { command: (command) => ({ ...command, env: change(command.env) }) });
}

/** Faults in a process's variables. */
export const environmentVariablesMutants: readonly Mutant[] = [
  {
    id: 'environment-variables/ignores',
    breaks: "A process's variables are set: it always gets those of the host.",
    failedBy: [
      'environment-variables.set-override-remove',
      'environment-variables.values',
      'environment-variables.precedence',
      'environment-variables.append',
    ],
    backend: (real) =>
      wrap(real, {
        command: (command) => ({ ...command, env: process.env as Record<string, string> }),
      }),
  },
  {
    id: 'environment-variables/leaks',
    breaks: 'Nothing of the host leaks: variables that were kept out are there.',
    failedBy: [
      'environment-variables.host-minimal',
      'environment-variables.host-list',
      'environment-variables.set-override-remove',
    ],
    backend: changed((env) => ({ ...(process.env as Record<string, string>), REMOVED: 'there', ...env })),
  },
  {
    id: 'environment-variables/takes-nothing-from-the-host',
    breaks: "A shared environment takes this process's variables: it takes PATH and HOME only.",
    failedBy: ['environment-variables.host-inherited'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => ({
          start: async (options) => {
            const started = await start(options);
            const { PATH = '', HOME = '' } = started.env;
            return { ...started, env: { PATH, HOME } };
          },
        }),
      }),
  },
  {
    id: 'environment-variables/keeps-removed',
    breaks: 'What was removed is gone: HOME is always there.',
    failedBy: ['environment-variables.precedence'],
    backend: changed((env) => ({ HOME: '/somewhere', ...env })),
  },
  {
    id: 'environment-variables/drops-empty',
    breaks: 'An empty value is a value: such variables are left out.',
    failedBy: ['environment-variables.values'],
    backend: changed((env) => Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))),
  },
  {
    id: 'environment-variables/one-line-values',
    breaks: 'A value may have line breaks: it is cut at the first.',
    failedBy: ['environment-variables.values', 'environment-variables.large-value'],
    backend: changed((env) =>
      Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.split('\n')[0] ?? ''])),
    ),
  },
  {
    id: 'environment-variables/upper-case-names',
    breaks: 'Upper and lower case differ: names are made upper case.',
    failedBy: ['environment-variables.names'],
    backend: changed((env) =>
      Object.fromEntries(Object.entries(env).map(([name, value]) => [name.toUpperCase(), value])),
    ),
  },
  {
    id: 'environment-variables/adds-its-own',
    breaks: 'Variables are added to the environment and nothing else: each process gets another one more.',
    failedBy: ['environment-variables.merged'],
    backend: (real) => {
      let processes = 0;
      const add = (env: Readonly<Record<string, string>>) => ({ ...env, [`EXTRA_${++processes}`]: 'x' });
      return changed(add)(real);
    },
  },
  {
    id: 'environment-variables/host-path-lookup',
    breaks: "Commands are looked up in the process's own PATH: the host's PATH is used.",
    failedBy: ['environment-variables.path-lookup'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn, resolveBinary }) => ({
          spawn: async (command, options) => {
            const at = { env: process.env as Record<string, string>, cwd: command.cwd };
            const path = await resolveBinary(command.file, at);
            return await spawn({ ...command, file: path ?? command.file }, options);
          },
        }),
      }),
  },
];
