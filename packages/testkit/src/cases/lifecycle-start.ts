import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompanionError, type PublishedEvent } from '@companion/core';
import { assertNames } from '../assert-names.js';
import type { ConformanceCase } from '../case.js';
import { heartbeat } from '../heartbeat.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { assertSilent } from '../silence.js';
import { usualStartMs } from '../usual-start.js';
import { within } from '../within.js';

/** Below the 10 s after which core lets the caller of a backend go that does not give up. */
const GIVES_UP_MS = 8000;

/** `init()`: part of the area `lifecycle`. */
export const lifecycleStartCases: readonly ConformanceCase[] = [
  {
    id: 'lifecycle.init-twice',
    title: 'a second init() changes nothing',
    since: 1,
    requires: {},
    run: async (context) => {
      const events: PublishedEvent[] = [];
      const runner = await context.start({ onEvent: (event) => void events.push(event) });
      const running = await runner.spawn('cat');
      await runner.init();
      assert.equal(runner.state, 'ready', 'it must still be ready');
      assert.equal(countStarts(events), 1, 'the environment must be started once');
      running.stdin.end('still here');
      const chunks: Buffer[] = [];
      for await (const chunk of running.stdout) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString(), 'still here', 'what runs inside must go on');
    },
  },
  {
    id: 'lifecycle.init-concurrent',
    title: 'concurrent calls of init() start one environment, and all of them resolve when it is ready',
    since: 1,
    requires: {},
    run: async (context) => {
      const events: PublishedEvent[] = [];
      const runner = await context.create({ onEvent: (event) => void events.push(event) });
      const readyAfter = async (): Promise<string> => {
        await runner.init();
        return runner.state;
      };
      const states = await Promise.all([readyAfter(), readyAfter(), readyAfter()]);
      assert.deepEqual(
        states,
        ['ready', 'ready', 'ready'],
        'init() must resolve when the companion is ready',
      );
      assert.equal(countStarts(events), 1, 'the environment must be started once');
    },
  },
  {
    id: 'lifecycle.aborted-before-init',
    title: 'init() with an aborted signal starts nothing, and init() works afterwards',
    since: 1,
    requires: {},
    run: async (context) => {
      const events: PublishedEvent[] = [];
      const runner = await context.create({ onEvent: (event) => void events.push(event) });
      const reason = new Error('changed my mind');
      const starting = runner.init({ signal: AbortSignal.abort(reason) });
      const error = await rejectsWith(starting, 'COMPANION_ABORTED', 'an aborted init()');
      assert.equal(error.cause, reason, 'the error must carry the reason of the abort');
      assert.equal(countStarts(events), 0, 'nothing must be started');
      assert.equal(runner.state, 'created', 'the companion must be as before');
      await runner.init();
      assert.equal((await runner.run(...sh('echo works'))).stdout, 'works\n', 'init() must work afterwards');
    },
  },
  {
    id: 'lifecycle.aborted-during-init',
    title: 'at whatever moment init() is aborted, it either has succeeded or leaves nothing running',
    since: 1,
    requires: {},
    timeoutMs: 60_000,
    run: async (context) => {
      const usualMs = await usualStartMs(context);
      const hearts = await Promise.all(
        [0, 0.1, 0.3, 0.5, 0.7, 0.9].map(async (moment) => {
          const abort = new AbortController();
          const runner = await context.create({
            onEvent: ({ type }) => {
              if (type === 'starting' && moment === 0) abort.abort();
            },
          });
          const heart = heartbeat(context, runner, `heart-${moment}`);
          runner.withPause(false).withEntrypoint(heart.command[0], ...heart.command[1]);
          // Not to synchronise: the moment is what is tested, and init() must be right at every one.
          const timer = moment === 0 ? undefined : setTimeout(() => abort.abort(), usualMs * moment);
          try {
            const given = await context.due(
              'an aborted start gives up',
              within(runner.init({ signal: abort.signal }), usualMs + GIVES_UP_MS),
            );
            assert.notEqual(given.is, 'late', `an aborted start must give up within ${GIVES_UP_MS} ms`);
            if (given.is === 'failed') throw given.error;
            assert.notEqual(moment, 0, 'an init() that was aborted as it began must reject');
            await runner.shutdown();
          } catch (error) {
            if (!CompanionError.is(error, 'COMPANION_ABORTED')) throw error;
            assert.equal(runner.state, 'created', 'after an aborted init() the companion must be as before');
            assert.equal(runner.main, undefined, 'an aborted init() must not leave a main process');
          } finally {
            clearTimeout(timer);
          }
          return { runner, heart };
        }),
      );
      const what = 'what an aborted start has started is gone';
      await Promise.all(hearts.map(({ runner, heart }) => assertSilent(runner, [heart], what)));
    },
  },
  {
    id: 'lifecycle.init-after-abort',
    title: 'an init() that was aborted on its way can be tried again',
    since: 1,
    requires: {},
    run: async (context) => {
      let abort = new AbortController();
      const runner = await context.create({
        onEvent: ({ type }) => {
          if (type === 'starting') abort.abort();
        },
      });
      await rejectsWith(runner.init({ signal: abort.signal }), 'COMPANION_ABORTED', 'an aborted init()');
      abort = new AbortController();
      await runner.init();
      assert.equal((await runner.run(...sh('echo works'))).stdout, 'works\n', 'init() must work afterwards');
    },
  },
  {
    id: 'lifecycle.stop-during-init',
    title: 'stop() during init() aborts it, and init() works afterwards',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      const starting = rejectsWith(runner.init(), 'COMPANION_ABORTED', 'an init() that is stopped');
      await Promise.all([starting, runner.stop()]);
      await runner.init();
      assert.equal((await runner.run(...sh('echo works'))).stdout, 'works\n', 'init() must work afterwards');
    },
  },
  {
    id: 'lifecycle.missing-binaries',
    title:
      'withBinary() names every program that is missing, no other, and a failed init() leaves nothing running',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      const heart = heartbeat(context, runner, 'heart');
      runner.withPause(false).withEntrypoint(heart.command[0], ...heart.command[1]);
      runner.withBinary('sh', 'companion-no-such-program').withBinary('companion-nor-this-one');
      const demand = 'init() with missing programs';
      const failing = rejectsWith(runner.init(), 'COMPANION_COMMAND_NOT_FOUND', demand);
      const error = await context.due(`${demand} fails, and ends what it has started`, failing);
      assertNames(error, ['companion-no-such-program', 'companion-nor-this-one'], demand);
      assert.doesNotMatch(error.message, /\bsh\b/, 'a program that is there must not be named');
      assert.equal(runner.state, 'created', 'the companion must be as before');
      await assertSilent(runner, [heart], 'what a failed start has started is gone');
    },
  },
  {
    id: 'lifecycle.failed-start-retried',
    title: 'a start that failed can be tried again once its cause is gone',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.create();
      const tool = join(context.directory, 'late-tool');
      runner.withBinary(runner.toCompanionPath(tool));
      await rejectsWith(runner.init(), 'COMPANION_COMMAND_NOT_FOUND', 'init() without the program');
      await writeFile(tool, '#!/bin/sh\necho here\n');
      await chmod(tool, 0o755);
      await context.due('init() works once the program is there', runner.init());
      const { stdout } = await runner.run(runner.toCompanionPath(tool));
      assert.equal(stdout, 'here\n', 'the program must be there at the second try');
    },
  },
];

function countStarts(events: readonly PublishedEvent[]): number {
  return events.filter(({ topic, type }) => topic === 'environment' && type === 'starting').length;
}
