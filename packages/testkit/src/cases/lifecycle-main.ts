import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CompanionError, type CompanionRunner, type LogLine } from '@companion/core';
import { assertNames } from '../assert-names.js';
import type { ConformanceCase } from '../case.js';
import { heartbeat } from '../heartbeat.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { assertSilent } from '../silence.js';

/** A companion that runs a process of its own (`pause: false`): part of the area `lifecycle`. */
export const lifecycleMainCases: readonly ConformanceCase[] = [
  {
    id: 'lifecycle.main',
    title: 'with pause: false the companion runs a main process, whose end does not end the environment',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({
        pause: false,
        entrypoint: words(sh('echo one; echo two >&2; echo three; exit 3')),
      });
      assert.ok(runner.main !== undefined, 'there must be a main process');
      assert.deepEqual(await runner.main.wait(), { code: 3, signal: null }, 'its verdict must be its own');
      assert.equal(runner.state, 'ready', 'the environment must outlive it');
      assert.equal(
        (await runner.run(...sh('echo works'))).stdout,
        'works\n',
        'the environment must still work',
      );
      const lines = await collect(runner.logs({ follow: true }));
      assert.deepEqual(of(lines, 'stdout'), ['one', 'three'], 'logs() must have its output in order');
      assert.deepEqual(of(lines, 'stderr'), ['two'], 'logs() must have its errors');
    },
  },
  {
    id: 'lifecycle.main-absent',
    title: 'an idle companion has no main process and no logs',
    since: 1,
    requires: {},
    shares: true,
    run: async (context) => {
      const runner = await context.shared();
      assert.equal(runner.main, undefined, 'an idle companion must have no main process');
      await runner.run(...sh('echo noise'));
      assert.deepEqual(
        await collect(runner.logs({ follow: true })),
        [],
        'logs() must be of the main process alone',
      );
    },
  },
  {
    id: 'lifecycle.main-logs-follow',
    title: 'logs({ follow: true }) goes on until the main process has closed its outputs',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      const gate = runner.toCompanionPath(join(context.directory, 'gate'));
      const script = 'echo before; until [ -e "$1" ]; do sleep 0.05; done; echo after';
      await runner
        .withPause(false)
        .withEntrypoint(...words(sh(script, gate)))
        .init();
      const lines: string[] = [];
      for await (const { line } of runner.logs({ follow: true })) {
        lines.push(line);
        if (line === 'before') await runner.run(...sh(': > "$1"', gate));
      }
      assert.deepEqual(lines, ['before', 'after'], 'lines that come later must be followed');
    },
  },
  {
    id: 'lifecycle.main-words',
    title: 'the main process gets the words of entrypoint and command as they are',
    since: 1,
    requires: {},
    run: async (context) => {
      const given = ['two words', '', '$HOME', '*', "it's", '-x'];
      const entrypoint = words(sh('for word do echo "[$word]"; done'));
      const expected = given.map((word) => `[${word}]`);
      const byOptions = await context.start({ pause: false, entrypoint, command: given });
      const byMethods = await context.create();
      await byMethods
        .withPause(false)
        .withEntrypoint(...entrypoint)
        .withCommand(...given)
        .init();
      for (const runner of [byOptions, byMethods]) {
        const lines = of(await collect(runner.logs({ follow: true })), 'stdout');
        assert.deepEqual(lines, expected, 'the words must be those that were given');
      }
    },
  },
  {
    id: 'lifecycle.main-surroundings',
    title: "the main process has the companion's variables and directory, and its input is at its end",
    since: 1,
    requires: {},
    run: async (context) => {
      await mkdir(join(context.directory, 'sub'));
      const runner = await context.start({
        pause: false,
        entrypoint: words(sh('echo "$GREETING"; basename "$PWD"; cat; echo end')),
        env: { GREETING: 'hello main' },
        workDir: '/workspace/sub',
      });
      const lines = of(await collect(runner.logs({ follow: true })), 'stdout');
      assert.deepEqual(lines, ['hello main', 'sub', 'end'], 'it must be as for any process of the companion');
    },
  },
  {
    id: 'lifecycle.main-stops',
    title: 'stop() ends the main process, and init() runs it again',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      const heart = heartbeat(context, runner, 'heart');
      await runner
        .withPause(false)
        .withEntrypoint(...words(heart.command))
        .init();
      const { main } = runner;
      await heart.waitForBeats(1, 'the main process runs');
      await runner.stop();
      assert.equal(runner.main, undefined, 'there must be no main process after stop()');
      assert.equal(main?.isRunning(), false, 'the main process must have ended with stop()');
      await assertSilent(runner, [heart], 'the main process is gone');
      await context.due('init() works after stop()', runner.init());
      assert.notEqual(runner.main, undefined, 'init() must bring a main process back');
      await heart.waitForBeats(1, 'the main process runs again');
    },
  },
  {
    id: 'lifecycle.main-not-found',
    title: 'a main process whose program does not exist fails init() as any process would fail',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create({ pause: false, entrypoint: ['companion-no-such-program'] });
      const demand = 'a missing main program';
      const error = await rejectsWith(runner.init(), 'COMPANION_COMMAND_NOT_FOUND', demand);
      assertNames(error, ['companion-no-such-program'], demand);
      assert.equal(runner.state, 'created', 'the companion must be as before');
    },
  },
  {
    id: 'lifecycle.main-needs-command',
    title: 'without an image to say what to run, pause: false without a command is refused',
    since: 1,
    requires: { filesystem: 'shared' },
    run: async (context) => {
      const demand = 'pause: false without a command';
      const refusal = await context.create({ pause: false }).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(
        CompanionError.is(refusal, 'COMPANION_NO_BACKEND') ||
          CompanionError.is(refusal, 'COMPANION_UNSUPPORTED'),
        `${demand} must be refused by selection, it says: ${refusal}`,
      );
      assertNames(refusal, ['command'], demand);
      const runner = await context.create();
      const late = await rejectsWith(runner.withPause(false).init(), 'COMPANION_UNSUPPORTED', demand);
      assertNames(late, ['withCommand()'], demand);
      await assert.rejects(context.create({ command: ['sh'] }), TypeError, 'a command without pause: false');
    },
  },
];

function words([file, args]: readonly [string, readonly string[]]): readonly string[] {
  return [file, ...args];
}

async function collect(logs: ReturnType<CompanionRunner['logs']>): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of logs) lines.push(line);
  return lines;
}

function of(lines: readonly LogLine[], stream: LogLine['stream']): readonly string[] {
  return lines.filter((line) => line.stream === stream).map(({ line }) => line);
}
