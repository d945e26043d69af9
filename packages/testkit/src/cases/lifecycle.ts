import assert from 'node:assert/strict';
import type { CompanionRunner } from '@companion/core';
import type { CaseContext, ConformanceCase } from '../case.js';
import { rejectsWith, throwsWith } from '../rejects-with.js';
import { sh } from '../shell.js';

/** Every character that a name may have, and as many as it may have. */
const LONGEST_NAME = '0abcdefghijklmnopqrstuvwxyz_.-123456789z';

const BAD_NAMES = ['', ' ', 'A', '-a', '.a', 'a b', 'a/b', '../a', 'a\n', 'ä', 'a$b', `${LONGEST_NAME}x`];

export const lifecycleCases: readonly ConformanceCase[] = [
  {
    id: 'lifecycle.wrong-state-before-init',
    title: 'before init() a companion can be configured, but nothing inside it can be used',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      assert.equal(runner.state, 'created', 'a companion must not start by itself');
      await assertUnusable(context, runner, 'before init()');
      assert.equal(runner.state, 'created', 'a refused use must not start it');
    },
  },
  {
    id: 'lifecycle.wrong-state-after-stop',
    title: 'after stop() nothing inside can be used until init()',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      await runner.stop();
      assert.equal(runner.state, 'stopped', 'stop() must leave the companion stopped');
      await assertUnusable(context, runner, 'after stop()');
      assertFixed(context, runner, 'after stop()');
    },
  },
  {
    id: 'lifecycle.wrong-state-after-shutdown',
    title: 'after shutdown() nothing can be used, and init() does not bring it back',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      await runner.shutdown();
      assert.equal(runner.state, 'shut-down', 'shutdown() must leave the companion shut down');
      await assertUnusable(context, runner, 'after shutdown()');
      assertFixed(context, runner, 'after shutdown()');
      await rejectsWith(runner.init(), 'COMPANION_WRONG_STATE', 'init() after shutdown()');
    },
  },
  {
    id: 'lifecycle.configured-before-init',
    title: 'after init() a companion cannot be configured any more',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      assertFixed(context, runner, 'after init()');
      assert.equal((await runner.run(...sh('echo still'))).stdout, 'still\n', 'it must go on working');
    },
  },
  {
    id: 'lifecycle.names',
    title: 'every allowed name works, and a name that could be more than a name is refused',
    since: 1,
    requires: {},
    run: async (context) => {
      for (const name of ['a', LONGEST_NAME]) {
        const runner = await context.due(`a companion may be called ${name}`, context.start({ name }));
        assert.equal(runner.name, name, 'a companion must keep its name');
        assert.equal((await runner.run(...sh('echo works'))).stdout, 'works\n', `it must work as ${name}`);
        await runner.shutdown();
      }
      for (const name of BAD_NAMES) {
        const demand = `the name ${JSON.stringify(name)} must be refused`;
        await assert.rejects(context.create({ name }), TypeError, demand);
      }
    },
  },
  {
    id: 'lifecycle.two-of-one-name',
    title: 'two companions of one name do not disturb each other',
    since: 1,
    requires: {},
    run: async (context) => {
      const name = 'twin';
      const [first, second] = await context.due(
        'two companions of one name can be started',
        Promise.all([context.start({ name }), context.start({ name })]),
      );
      const running = await second.spawn(...sh('read -r line; echo "got $line"'));
      await first.shutdown();
      assert.equal(second.state, 'ready', 'the end of one must not be the end of the other');
      running.stdin.end('word\n');
      const output: string[] = [];
      for await (const line of running.lines()) output.push(line);
      assert.deepEqual(output, ['got word'], 'a process of one must survive the shutdown of the other');
      assert.deepEqual(await running.wait(), { code: 0, signal: null }, 'and end by itself');
    },
  },
];

/** Everything that needs a running environment is refused as a wrong state. */
async function assertUnusable(
  { directory }: CaseContext,
  runner: CompanionRunner,
  when: string,
): Promise<void> {
  const uses: Readonly<Record<string, () => Promise<unknown>>> = {
    'spawn()': () => runner.spawn('sh'),
    'run()': () => runner.run('sh', ['-c', ':']),
    'newProcess().start()': () => runner.newProcess('sh').start(),
    'newProcess().run()': () => runner.newProcess('sh').run(),
    'waitForPort()': () => runner.waitForPort(4711),
    'waitForLine()': () => runner.waitForLine(runner.newProcess('sh'), 'line'),
    'copyIn()': () => runner.copyIn(directory, runner.toCompanionPath(directory)),
    'copyOut()': () => runner.copyOut(runner.toCompanionPath(directory), directory),
    'logs()': () => runner.logs().next(),
  };
  for (const [what, use] of Object.entries(uses)) {
    await rejectsWith(use(), 'COMPANION_WRONG_STATE', `${what} ${when}`);
  }
  throwsWith(() => runner.endpoint(4711), 'COMPANION_WRONG_STATE', `endpoint() ${when}`);
  assert.equal(runner.main, undefined, `there must be no main process ${when}`);
}

/** Every `with…` is refused as a wrong state. */
function assertFixed({ directory }: CaseContext, runner: CompanionRunner, when: string): void {
  const changes: Readonly<Record<string, () => unknown>> = {
    'withMount()': () => runner.withMount(directory, '/mounted'),
    'withPortMapping()': () => runner.withPortMapping(0, 0),
    'withWorkDir()': () => runner.withWorkDir('/'),
    'withEnv()': () => runner.withEnv({ LATE: 'yes' }),
    'withUser()': () => runner.withUser('host'),
    'withPause()': () => runner.withPause(),
    'withEntrypoint()': () => runner.withEntrypoint('sh'),
    'withCommand()': () => runner.withCommand('sh'),
    'withBinary()': () => runner.withBinary('sh'),
  };
  for (const [what, change] of Object.entries(changes)) {
    throwsWith(change, 'COMPANION_WRONG_STATE', `${what} ${when}`);
  }
}
