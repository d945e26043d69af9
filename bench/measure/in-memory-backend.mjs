import { Readable } from 'node:stream';
import { localBackend } from '@companion/backend-local/backend';

const environment = ({ hostEnv }) => ({
  start: async () => ({ env: hostEnv, home: '/', lost: new Promise(() => {}) }),
  spawn: async () => ({
    pid: 1,
    stdin: null,
    stdout: Readable.from([Buffer.from('hi\n')], { objectMode: false }),
    stderr: Readable.from([], { objectMode: false }),
    exited: Promise.resolve({ code: 0, signal: null }),
    kill: async () => {},
  }),
  resolveBinary: async () => null,
  stop: async () => {},
  shutdown: async () => {},
});

/** A backend that starts nothing: every command says `hi` and ends well. What is left to measure is core. */
export const inMemoryBackend = { ...localBackend, name: 'in-memory', create: environment };
