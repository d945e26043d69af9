import { chownSync, realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mutant } from './mutant.js';
import { wrap } from './wrap.js';

/** Faults in where processes are and whose files are. */
export const pathsMutants: readonly Mutant[] = [
  {
    id: 'paths/ignores-cwd',
    breaks: 'A process starts in the directory asked for: it always starts in the workspace.',
    failedBy: ['paths.cwd', 'paths.work-dir', 'paths.mount-translated', 'exit-status.missing-directory'],
    backend: (real) => {
      let workspace = '/';
      return wrap(real, {
        environment: (_environment, { sourceDir }) => {
          workspace = sourceDir;
          return {};
        },
        command: (command) => ({ ...command, cwd: workspace }),
      });
    },
  },
  {
    id: 'paths/starts-where-the-program-is',
    breaks: 'Processes start where sourceDir is visible: they start where this program runs.',
    failedBy: [
      'paths.default-directory',
      'paths.cwd',
      'paths.mount-at-own-path',
      'paths.symlinked-source',
      'paths.host-paths-valid',
    ],
    backend: (real) => wrap(real, { command: (command) => ({ ...command, cwd: process.cwd() }) }),
  },
  {
    id: 'paths/remembers-cwd',
    breaks: 'A directory is that of its process alone: the next one starts there, too.',
    failedBy: ['paths.cwd'],
    backend: (real) =>
      wrap(real, {
        environment: ({ spawn }) => {
          let last: string | undefined;
          return {
            spawn: (command, options) => {
              const cwd = last ?? command.cwd;
              last = command.cwd;
              return spawn({ ...command, cwd }, options);
            },
          };
        },
      }),
  },
  {
    id: 'paths/volume-syntax',
    breaks: 'A directory may have any name: what follows a comma is taken for an option.',
    failedBy: ['paths.awkward-names'],
    backend: (real) =>
      wrap(real, { command: (command) => ({ ...command, cwd: command.cwd.split(',')[0] ?? '/' }) }),
  },
  {
    id: 'paths/other-workspace',
    breaks: 'workspaceDir may be anywhere: only /workspace works.',
    failedBy: ['paths.workspace-dir'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }, { workspaceDir }) => ({
          start: (options) =>
            workspaceDir === '/workspace' ? start(options) : Promise.reject(new Error('not supported')),
        }),
      }),
  },
  {
    id: 'paths/refuses-links',
    breaks: 'A sourceDir may be a symbolic link: it is refused.',
    failedBy: ['paths.symlinked-source'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }, { sourceDir }) => ({
          start: (options) =>
            realpathSync(sourceDir) === sourceDir ? start(options) : Promise.reject(new Error('a link')),
        }),
      }),
  },
  // Only root can give files away.
  {
    id: 'paths/owned-by-somebody-else',
    breaks: 'Files written inside belong to the caller: they belong to somebody else.',
    failedBy: ['paths.owner', 'users.own-ids'],
    needsRoot: true,
    backend: (real) =>
      wrap(real, {
        process: ({ exited }, { cwd }) => ({
          exited: exited.then(async (exit) => {
            for (const name of await readdir(cwd, { recursive: true }))
              chownSync(join(cwd, name), 54_321, 54_321);
            return exit;
          }),
        }),
      }),
  },
];
