import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '@companion/core/backend';
import type { Mutant } from './mutant.js';
import { rooted } from './rooted.js';
import { wrap } from './wrap.js';

const nothing = () => Promise.resolve();

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true });
}

/** Knows its home from `start()` on. */
function withHome(
  faults: (real: Environment, home: () => string) => Partial<Environment>,
): Mutant['backend'] {
  return (real) =>
    wrap(real, {
      environment: (environment) => {
        let home = '';
        const start: Environment['start'] = async (options) => {
          const started = await environment.start(options);
          home = started.home;
          return started;
        };
        return { start, ...faults({ ...environment, start }, () => home) };
      },
    });
}

/** Faults of environments with files of their own. The backend that they are made of is {@link rooted}. */
export const filesystemMutants: readonly Mutant[] = [
  {
    id: 'filesystem/forgets-mounts',
    breaks: 'A mount is really there: it is not.',
    failedBy: ['paths.mount-bound', 'paths.mount-at-own-path'],
    backend: (real) =>
      wrap(real, {
        command: (command) => ({
          ...command,
          args: command.args.map((one) => one.replaceAll('/mounted', '/not-mounted')),
          cwd: command.cwd.endsWith('/outer') ? '/' : command.cwd,
        }),
      }),
  },
  {
    id: 'filesystem/works-on-a-copy',
    breaks: 'Each side sees at once what the other writes to the workspace: inside there is a copy of it.',
    failedBy: ['paths.workspace-live'],
    backend: (real) => {
      let workspace = '';
      return wrap(real, {
        request: (request) => ({ ...request, workDir: request.sourceDir }),
        environment: ({ start }, { sourceDir }) => ({
          start: async (options) => {
            workspace = await mkdtemp(join(tmpdir(), 'copy-'));
            await cp(sourceDir, workspace, { recursive: true });
            return await start(options);
          },
        }),
        command: (command) => ({
          ...command,
          args: command.args.map((one) => one.replaceAll('/workspace', workspace)),
        }),
      });
    },
  },
  {
    id: 'filesystem/stop-removes-own-files',
    breaks: "Files of the environment's own outlive stop(): its home is emptied.",
    failedBy: ['lifecycle.stop-keeps-own-files'],
    backend: withHome(({ stop }, home) => ({
      stop: async () => {
        await stop();
        await empty(home());
      },
    })),
  },
  {
    id: 'filesystem/failed-restart-removes',
    breaks: 'A start that fails after stop() loses nothing: everything is cleaned up after it.',
    failedBy: ['lifecycle.failed-restart-keeps-files'],
    backend: withHome(({ start, stop }, home) => {
      let running = false;
      return {
        start: async (options) => {
          const started = await start(options);
          running = true;
          return started;
        },
        // Core calls it after a start that has failed, too.
        stop: async () => {
          await stop();
          if (!running) await empty(home());
          running = false;
        },
      };
    }),
  },
  {
    id: 'filesystem/ignores-reuse',
    breaks: 'With reuse the environment outlives its companion: it is removed.',
    failedBy: ['lifecycle.reuse-finds'],
    backend: (real) =>
      wrap(real, { environment: ({ shutdown }) => ({ shutdown: () => shutdown({ remove: true }) }) }),
  },
  {
    id: 'filesystem/reuse-is-for-ever',
    breaks: 'shutdown({ remove: true }) removes what was to be reused: it stays.',
    failedBy: ['lifecycle.reuse-finds'],
    backend: (real) =>
      wrap(real, { environment: ({ shutdown }) => ({ shutdown: () => shutdown({ remove: false }) }) }),
  },
  {
    id: 'filesystem/no-home',
    breaks: 'HOME can be written: it does not exist.',
    failedBy: ['users.host', 'users.image'],
    backend: (real) =>
      wrap(real, {
        command: (command) => ({ ...command, env: { ...command.env, HOME: '/companion-no-such-home' } }),
      }),
  },
  {
    id: 'filesystem/takes-host-variables',
    breaks: "An environment of its own takes none of this process's variables: it takes all of them.",
    failedBy: ['environment-variables.host-kept-out', 'environment-variables.host-minimal'],
    backend: (real) =>
      wrap(real, {
        environment: ({ start }) => ({
          start: async (options) => {
            const started = await start(options);
            return { ...started, env: { ...(process.env as Record<string, string>), ...started.env } };
          },
        }),
      }),
  },
  {
    id: 'filesystem/says-copied',
    breaks: 'What is copied is there: copyIn() and copyOut() resolve and do nothing.',
    failedBy: [
      'paths.copy-anywhere',
      'paths.copy-directory',
      'paths.copy-file',
      'paths.copy-missing',
      'paths.copy-overwrites',
    ],
    backend: (real) => wrap(real, { environment: () => ({ copyIn: nothing, copyOut: nothing }) }),
  },
  {
    id: 'filesystem/copies-contents-alone',
    breaks: 'A copy is all of a file or directory: only bytes are copied, without permissions and links.',
    failedBy: ['paths.copy-directory', 'paths.copy-file'],
    backend: (real) =>
      wrap(real, {
        environment: ({ copyIn }) => ({
          copyIn: async (hostPath, companionPath) => {
            const bytes = await readFile(hostPath);
            const plain = await mkdtemp(join(tmpdir(), 'plain-'));
            await writeFile(join(plain, 'file'), bytes);
            await copyIn?.(join(plain, 'file'), companionPath);
            await rm(plain, { recursive: true });
          },
        }),
      }),
  },
];
