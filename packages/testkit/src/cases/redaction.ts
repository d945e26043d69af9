import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { type CompanionRunner, explainSelection, type PublishedEvent } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { sh } from '../shell.js';

const CHANNELS = ['selection', 'environment', 'image', 'process'].map((topic) => `companion:${topic}`);

/** What somebody might log. */
function everythingOf(value: unknown): string {
  const shown = [
    inspect(value, { depth: 12, showHidden: true, getters: true, maxStringLength: null }),
    String(value),
  ];
  try {
    shown.push(JSON.stringify(value) ?? '');
  } catch {
    // Circular: then nobody logs it that way.
  }
  if (value instanceof Error) {
    shown.push(value.message, value.stack ?? '', String(Reflect.get(value, 'hint')));
    if (value.cause !== undefined) shown.push(everythingOf(value.cause));
  }
  return shown.join('\n');
}

/** Rejects with the way in which `value` shows the secret, without showing it again. */
function assertSilent(value: unknown, secret: string, what: string): void {
  const shown = everythingOf(value);
  const at = shown.indexOf(secret);
  if (at === -1) return;
  const around = shown
    .slice(Math.max(0, at - 120), at + secret.length + 40)
    .replaceAll(secret, '<the secret>');
  assert.fail(`${what} shows a secret: …${around}…`);
}

/** Every way in which a process may fail, with the secret among its arguments and in its variables. */
async function failures(runner: CompanionRunner, secret: string): Promise<Map<string, unknown>> {
  const env = { TOKEN: secret };
  const abort = new AbortController();
  const attempts: Record<string, () => Promise<unknown>> = {
    'a failing command': () => runner.run(...sh('echo failed >&2; exit 3', secret), { env }),
    'a signal': () => runner.run(...sh('kill -s KILL $$', secret), { env }),
    'a command that does not exist': () => runner.run('companion-no-such-command', ['x', secret], { env }),
    'a file that is no program': () => runner.run(runner.toCompanionPath('.'), ['x', secret], { env }),
    'a missing interpreter': async () => {
      const script = 'echo "#!/companion-no-such-interpreter" > script && chmod 755 script';
      await runner.run(...sh(script));
      await runner.run(runner.toCompanionPath('script'), ['x', secret], { env });
    },
    // Systems allow a few megabytes at most, of arguments and variables together.
    'arguments that are too long': () => runner.run('echo', ['x', secret.repeat(100_000)], { env }),
    'a missing directory': () =>
      runner.run(...sh('exit 0', secret), { env, cwd: '/companion-no-such-directory' }),
    'a time limit': () => runner.run(...sh('exec sleep 60', secret), { env, timeoutMs: 50 }),
    'an abort': () =>
      runner.run(...sh('echo ready; exec sleep 60', secret), {
        env,
        signal: abort.signal,
        onLine: () => abort.abort(new Error('given up')),
      }),
    'too much output': () => runner.run(...sh('yes', secret), { env, maxOutputBytes: 10 }),
    'a wait for a line': async () => {
      const process = await runner.spawn(...sh('exit 0', secret), { env });
      await runner.waitForLine(process, 'never');
    },
    'an aborted spawn': () => runner.spawn(...sh(':', secret), { env, signal: AbortSignal.abort() }),
    'a process that was used': async () => {
      const process = runner.newProcess('sh', '-c', ':', secret).withEnv(env);
      await process.run();
      await process.start();
    },
    'a value with a zero byte': () => runner.run('sh', [], { env: { TOKEN: `${secret}\0` } }),
    'an argument with a zero byte': () => runner.run('sh', ['-c', `${secret}\0`]),
    'a value of the wrong kind': () =>
      runner.run('sh', [], { env: { TOKEN: [secret] as unknown as string } }),
    'an argument of the wrong kind': () => runner.run('sh', ['-c', { secret } as unknown as string]),
    'a variable that is appended': () =>
      (async () => await runner.newProcess('sh').withEnvAppend('TOKEN', `${secret}\0`).run())(),
  };
  const errors = new Map<string, unknown>();
  for (const [what, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      errors.set(what, undefined);
    } catch (error) {
      errors.set(what, error);
    }
  }
  return errors;
}

/** Runs with every event of this program collected, from `onEvent` and from the channels. */
async function withEvents(
  work: (onEvent: (event: PublishedEvent) => void) => Promise<void>,
): Promise<{ readonly listened: PublishedEvent[]; readonly published: PublishedEvent[] }> {
  const listened: PublishedEvent[] = [];
  const published: PublishedEvent[] = [];
  const onMessage = (message: unknown): void => void published.push(message as PublishedEvent);
  for (const name of CHANNELS) subscribe(name, onMessage);
  try {
    await work((event) => void listened.push(event));
  } finally {
    for (const name of CHANNELS) unsubscribe(name, onMessage);
  }
  return { listened, published };
}

function newSecret(): string {
  return `secret-${randomBytes(12).toString('hex')}`;
}

/** Values of variables and arguments may be secrets: nothing but the process itself is told them. */
export const redactionCases: readonly ConformanceCase[] = [
  {
    id: 'redaction.errors',
    title: 'no error shows an argument or the value of a variable, however it is logged',
    since: 1,
    requires: {},
    run: async (context) => {
      const secret = newSecret();
      const runner = await context.start({ env: { COMPANION_TOKEN: secret } });
      for (const [what, error] of await failures(runner, secret)) {
        assert.ok(error instanceof Error, `${what} fails`);
        assertSilent(error, secret, `the error of ${what}`);
      }
    },
  },
  {
    id: 'redaction.start-errors',
    title: 'no error of selection and start shows the value of a variable',
    since: 1,
    requires: {},
    run: async (context: CaseContext) => {
      const secret = newSecret();
      const env = { TOKEN: secret };
      const incapable = { requires: { ownerDeath: [otherOf(context)] } } as const;
      const missing = await context.create({ env });
      missing.withBinary('companion-no-such-command');
      for (const [what, attempt] of [
        ['a backend that is not known', () => context.create({ env, preferredBackend: 'no-such-backend' })],
        ['a requirement that is not met', () => context.create({ env, ...incapable })],
        ['a missing program', () => missing.init()],
        ['a use before the start', () => missing.run('sh', ['-c', secret], { env })],
        [
          'an aborted start',
          async () => (await context.create({ env })).init({ signal: AbortSignal.abort() }),
        ],
        ['a value with a zero byte', () => context.create({ env: { TOKEN: `${secret}\0` } })],
        [
          'a value of the wrong kind',
          () => context.create({ env: { TOKEN: { secret } as unknown as string } }),
        ],
        ['a command of the wrong kind', () => context.create({ pause: false, command: [`${secret}\0`] })],
      ] as const) {
        const error: unknown = await (async () => await attempt())().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        assert.ok(error instanceof Error, `${what} fails`);
        assertSilent(error, secret, `the error of ${what}`);
      }
      const reports = await explainSelection({ ...context.defaults, backends: [context.backend], env });
      assertSilent(reports, secret, 'explainSelection()');
    },
  },
  {
    id: 'redaction.events',
    title: 'no event shows an argument or the value of a variable, on the channels and to onEvent alike',
    since: 1,
    requires: {},
    run: async (context) => {
      const secret = newSecret();
      const { listened, published } = await withEvents(async (onEvent) => {
        const runner = await context.start({ env: { COMPANION_TOKEN: secret }, onEvent });
        await runner.run(...sh('exit 0', secret), { env: { TOKEN: secret } });
        await failures(runner, secret);
        await runner.stop();
        await runner.init();
        await runner.shutdown();
      });
      const id = listened[0]?.companion.id;
      const ours = published.filter((event) => event.companion.id === id);
      assert.deepEqual(ours, listened, 'both ways tell the same');
      const seen = new Set(listened.map((event) => `${event.topic} ${event.type}`));
      for (const expected of [
        'selection selected',
        'environment starting',
        'environment started',
        'environment stopped',
        'environment removed',
        'process started',
        'process exited',
        'process start-failed',
      ]) {
        assert.ok(seen.has(expected), `there is an event '${expected}' among ${[...seen].join(', ')}`);
      }
      for (const event of listened) assertSilent(event, secret, `the event '${event.topic} ${event.type}'`);
    },
  },
];

function otherOf({ capabilities }: CaseContext): 'killed' | 'survives' {
  return capabilities.ownerDeath === 'killed' ? 'survives' : 'killed';
}
