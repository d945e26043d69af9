import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SupervisedProcess } from '../../src/supervised-process.js';
import {
  command,
  isRunnable,
  processesWith,
  startSupervisor,
  uniqueSeconds,
  until,
  WHERE,
} from './real-supervisor.js';

const steps = {
  write: ({ stdin }) => stdin?.write(Buffer.alloc(150_000, 'w')),
  end: ({ stdin }) => stdin?.end('last'),
  destroyInput: ({ stdin }) => stdin?.destroy(),
  destroyOutput: ({ stdout }) => stdout.destroy(),
  destroyErrors: ({ stderr }) => stderr.destroy(),
  read: ({ stdout, stderr }) => [stdout.resume(), stderr.resume()],
  pause: ({ stdout }) => stdout.pause(),
  term: (process) => process.kill('SIGTERM'),
  stop: (process) => process.kill('SIGSTOP', 'tree'),
  kill: (process) => process.kill('SIGKILL'),
  killTree: (process) => process.kill('SIGKILL', 'tree'),
  list: (process) => process.descendants(),
  resize: (process) => process.resize({ columns: 10, rows: 10 }),
  wait: () => delay(2),
  turn: () => turn(),
} satisfies Record<string, (process: SupervisedProcess) => unknown>;

const script = fc.constantFrom(
  'cat',
  'cat >&2',
  'yes | head -c 1000000',
  'cat /dev/zero',
  'head -c 100000',
  'exec <&-; echo hi',
  'exec >&- 2>&-; sleep "$1"',
  'sleep "$1" & echo a; exit 3',
  'setsid sleep "$1" >/dev/null 2>&1 & exit 0',
  'kill -9 $$',
  'exit 7',
);
interface Treatment {
  readonly script: string;
  readonly stdin: 'pipe' | 'ignore';
  readonly terminal: boolean;
  readonly aborted: boolean;
  readonly steps: readonly (keyof typeof steps)[];
}
const treatment: fc.Arbitrary<Treatment> = fc.record({
  script,
  stdin: fc.constantFrom('pipe' as const, 'ignore' as const),
  terminal: fc.integer({ min: 0, max: 5 }).map((number) => number === 0),
  aborted: fc.integer({ min: 0, max: 7 }).map((number) => number === 0),
  steps: fc.array(fc.constantFrom(...(Object.keys(steps) as (keyof typeof steps)[])), { maxLength: 6 }),
});

const connectionSteps = {
  write: (connection) => connection.write(Buffer.alloc(150_000)),
  end: (connection) => connection.end(),
  destroy: (connection) => connection.destroy(),
  read: (connection) => connection.resume(),
  wait: () => delay(2),
} satisfies Record<string, (connection: Duplex) => unknown>;

type Supervisor = Awaited<ReturnType<typeof startSupervisor>>['supervisor'];

/** `undefined` where the other side has reset the connection before it was told to be open. */
async function connectTo(supervisor: Supervisor, port: number): Promise<Duplex | undefined> {
  try {
    return await supervisor.connect(port);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    return undefined;
  }
}

describe.runIf(isRunnable)(`whatever is done ${WHERE}`, () => {
  it('to processes, each gets a verdict, nothing of them is left, and the session goes on', {
    timeout: 120_000,
  }, async () => {
    const { supervisor, child } = await startSupervisor();
    const seconds = uniqueSeconds();
    const treat = async (treated: Treatment): Promise<void> => {
      const { stdin, terminal, aborted } = treated;
      const controller = new AbortController();
      const tty = terminal ? { tty: { columns: 80, rows: 24 } } : {};
      const spawning = supervisor.spawn(
        command('sh', ['-c', treated.script, 'sh', seconds], { stdin, ...tty }),
        controller,
      );
      if (aborted) {
        controller.abort(new Error('enough'));
        await expect(spawning).rejects.toThrow('enough');
        return;
      }
      const process = await spawning;
      for (const name of treated.steps) await steps[name](process);
      await process.kill('SIGKILL', 'tree');
      await process.exited;
      expect(await process.descendants()).toEqual([]);
      process.stdout.resume();
      process.stderr.resume();
    };
    const files = (): number => readdirSync(`/proc/${child.pid}/fd`).length;
    const before = files();
    await fc.assert(
      fc.asyncProperty(fc.array(treatment, { minLength: 1, maxLength: 10 }), async (treatments) => {
        await Promise.all(treatments.map(treat));
        await supervisor.ping();
      }),
      { numRuns: 100 },
    );
    expect(processesWith(seconds)).toEqual([]);
    await until(() => files() === before, 'all descriptors closed');
  });

  it('to connections, the session goes on and keeps nothing of them', { timeout: 120_000 }, async () => {
    const { supervisor, child } = await startSupervisor();
    const behaviours: ((socket: Socket) => unknown)[] = [
      (socket) => socket.pipe(socket),
      (socket) => socket.resetAndDestroy(),
      (socket) => socket.resume().end(Buffer.alloc(200_000)),
      (socket) => socket.resume().once('end', () => socket.end('answer')),
      (socket) => socket.destroy(),
    ];
    let accepted = 0;
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      behaviours[accepted++ % behaviours.length]!(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const names = Object.keys(connectionSteps) as (keyof typeof connectionSteps)[];
    const files = (): number => readdirSync(`/proc/${child.pid}/fd`).length;
    const before = files();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(...names), { maxLength: 6 }), { minLength: 1, maxLength: 10 }),
        async (treatments) => {
          const treated = treatments.map(async (treatmentSteps) => {
            const connection = await connectTo(supervisor, port);
            if (connection === undefined) return;
            for (const name of treatmentSteps) await connectionSteps[name](connection);
            connection.destroy();
          });
          await Promise.all(treated);
          await supervisor.ping();
        },
      ),
      { numRuns: 100 },
    );
    await until(() => files() === before, 'all descriptors closed');
    server.close();
  });
});
