import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Capabilities, explainSelection, registerBackend, registeredBackends } from '@companion/core';
import type { Backend, Detection } from '@companion/core/backend';
import { CAPABILITY_VALUES } from '../capability-values.js';
import type { CaseContext, ConformanceCase } from '../case.js';
import { type WatchedDetection, watchBackend } from '../watched-backend.js';

/** Ten times the goal for all backends together. */
const QUICK_MS = 400;
/** How long an aborted detection may take to give up. */
const ABORTED_MS = 2000;

/**
 * What lowering may do: take an ability away, or replace mounts that are bound by copies. The other values are kinds of
 * environment, and core has already made its request for the one declared.
 */
function isLower(name: keyof Capabilities, from: unknown, to: unknown): boolean {
  if (name === 'filesystem') return from === 'bound' && to === 'copied';
  if (name === 'ownerDeath') return from === 'killed' && to === 'survives';
  return from === true && to === false;
}

export const detectionCases: readonly ConformanceCase[] = [
  {
    id: 'detection.capabilities',
    title: 'a backend declares every capability, with a value of the contract, and no other',
    since: 1,
    requires: {},
    run: async ({ backend }) => {
      const declared: Readonly<Record<string, unknown>> = { ...backend.capabilities };
      assert.deepEqual(
        Object.keys(declared).sort(),
        Object.keys(CAPABILITY_VALUES).sort(),
        'every capability must be declared',
      );
      for (const [key, allowed] of Object.entries(CAPABILITY_VALUES)) {
        const values: readonly unknown[] = allowed;
        assert.ok(
          values.includes(declared[key]),
          `${key} must be one of ${values.join(', ')}, it is ${declared[key]}`,
        );
      }
      assert.deepEqual(
        { ...backend.capabilities },
        declared,
        'capabilities must be the same at every reading',
      );
    },
  },
  {
    id: 'detection.reason',
    title: 'detect() answers in full: what it found, or why not and what to do about it',
    since: 1,
    requires: {},
    run: async (context) => {
      // Without an image and in an empty directory: some backends say yes to that, the others say why not.
      const bare = await detectWith(context, {});
      const full = await detectWith(context, context.defaults);
      for (const { outcome } of [bare, full]) {
        if (!outcome.answered)
          assert.fail(`detect() must answer instead of rejecting: ${String(outcome.error)}`);
        assertFullAnswer(outcome.detection);
      }
      assert.ok(
        full.outcome.answered && full.outcome.detection.available,
        'detect() said yes to this target before',
      );
    },
  },
  {
    id: 'detection.no-side-effects',
    title:
      'detect() leaves the source directory, the working directory and the variables of this process alone',
    since: 1,
    requires: {},
    run: async (context) => {
      await writeFile(join(context.directory, 'source.txt'), 'source\n');
      const before = {
        files: await snapshot(context.directory),
        directory: process.cwd(),
        env: { ...process.env },
      };
      for (let round = 0; round < 3; round += 1) await detectWith(context, context.defaults);
      assert.deepEqual(
        await snapshot(context.directory),
        before.files,
        'detect() must not touch the source directory',
      );
      assert.equal(process.cwd(), before.directory, 'detect() must not change the working directory');
      assert.deepEqual({ ...process.env }, before.env, 'detect() must not change variables');
    },
  },
  {
    id: 'detection.quick',
    title: `detect() answers within ${QUICK_MS} ms`,
    since: 1,
    requires: {},
    run: async (context) => {
      // The best of three: what a busy machine adds is not the backend's.
      const times: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const detection = context.due('detect() is quick', detectWith(context, context.defaults));
        times.push((await detection).durationMs);
      }
      const best = Math.min(...times);
      assert.ok(best < QUICK_MS, `detect() took ${Math.round(best)} ms at best, ${QUICK_MS} ms are allowed`);
    },
  },
  {
    id: 'detection.concurrent',
    title: 'many detections at once all get the same answer',
    since: 1,
    requires: {},
    run: async (context) => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => (await detectWith(context, context.defaults)).outcome),
      );
      for (const outcome of answers) {
        if (!outcome.answered) assert.fail(`a concurrent detect() must answer: ${String(outcome.error)}`);
        assert.equal(
          outcome.detection.available,
          true,
          'a concurrent detect() must say what a single one says',
        );
      }
    },
  },
  {
    id: 'detection.aborted',
    title: 'an aborted detect() gives up at once',
    since: 1,
    requires: {},
    run: async (context) => {
      const { request } = await detectWith(context, context.defaults);
      const abort = new AbortController();
      const running = Promise.resolve(context.backend.detect(request, { signal: abort.signal }));
      abort.abort();
      const late = Promise.resolve(context.backend.detect(request, { signal: abort.signal }));
      for (const [when, detection] of [
        ['while it runs', running],
        ['before it', late],
      ] as const) {
        // Whether it answers or rejects is its own affair: nobody listens any more.
        const settled = detection.then(
          () => true,
          () => true,
        );
        const demand = `detect() aborted ${when} must settle within ${ABORTED_MS} ms`;
        assert.ok(await context.due(demand, Promise.race([settled, delay(ABORTED_MS, false)])), demand);
      }
    },
  },
  {
    id: 'detection.lowered',
    title: "detect() lowers capabilities to this machine's truth and never raises them",
    since: 1,
    requires: {},
    run: async (context) => {
      const { outcome } = await detectWith(context, context.defaults);
      assert.ok(outcome.answered && outcome.detection.available, 'detect() said yes to this target before');
      const lowered = outcome.detection.lowered ?? {};
      for (const [key, value] of Object.entries(lowered)) {
        assert.ok(
          Object.hasOwn(CAPABILITY_VALUES, key),
          `lowered names a capability that does not exist: ${key}`,
        );
        const name = key as keyof Capabilities;
        const declared = context.backend.capabilities[name];
        if (value === declared) continue;
        assert.ok(
          isLower(name, declared, value),
          `${key} is declared as ${declared} and may not become ${value}`,
        );
      }
      const runner = await context.create();
      assert.deepEqual(
        { ...runner.capabilities },
        { ...context.backend.capabilities, ...lowered },
        'a companion must have the lowered capabilities',
      );
    },
  },
  {
    id: 'detection.explained',
    title: 'explainSelection() tells what became of the backend, and starts nothing',
    since: 1,
    requires: {},
    run: async ({ backend, defaults }) => {
      const watched = watchBackend(backend);
      const [report, ...others] = await explainSelection({
        ...defaults,
        backends: [watched.backend],
        preferredBackend: backend.name,
      });
      assert.ok(report !== undefined && others.length === 0, 'every candidate must be reported once');
      assert.equal(report.backend, backend.name, 'a report must name its backend');
      assert.equal(
        report.verdict,
        'chosen',
        `it would be chosen, the report says ${report.verdict}: ${report.reason}`,
      );
      assert.ok(report.durationMs >= 0, 'a report must say how long the answer took');
      assert.equal(watched.created(), 0, 'explaining must not make an environment');
    },
  },
  {
    id: 'detection.registration',
    title: 'a registered backend is a candidate for every copy of core in this process',
    since: 1,
    requires: {},
    run: async ({ backend }) => {
      // Copies of core meet in this table: what one of them writes, the others read.
      const key = Symbol.for('@companion/core/backends/v1');
      const before = registeredBackends().find(({ name }) => name === backend.name);
      registerBackend(backend);
      const table = (globalThis as { [key]?: Map<string, Backend> })[key];
      assert.ok(table instanceof Map, 'the table of backends must be where all copies of core look for it');
      try {
        assert.equal(table.get(backend.name), backend, 'a registered backend must be in the table');
        const ofAnotherCopy = watchBackend(backend).backend;
        table.set(backend.name, ofAnotherCopy);
        const found = registeredBackends().filter(({ name }) => name === backend.name);
        assert.equal(found.length, 1, 'a second registration of a name must replace the first');
        assert.equal(found[0], ofAnotherCopy, 'what another copy registers must be found');
      } finally {
        if (before === undefined) table.delete(backend.name);
        else table.set(backend.name, before);
      }
    },
  },
];

/** One detection through core's own request, with `options` and nothing else. */
async function detectWith(
  { backend, directory }: CaseContext,
  options: CaseContext['defaults'],
): Promise<WatchedDetection> {
  const watched = watchBackend(backend);
  await explainSelection({
    sourceDir: directory,
    ...options,
    backends: [watched.backend],
    preferredBackend: backend.name,
  });
  const [detection] = watched.detections;
  assert.ok(detection !== undefined, 'selection must ask the backend');
  return detection;
}

function assertFullAnswer(detection: Detection): void {
  if (detection.available) {
    if (detection.detail !== undefined) assertClause('detail', detection.detail);
    return;
  }
  assertClause('reason', detection.reason);
  if (detection.hint !== undefined) assertClause('hint', detection.hint);
}

function assertClause(what: string, text: unknown): void {
  assert.equal(typeof text, 'string', `${what} must be text`);
  assert.match(
    String(text),
    /^\S.*\S$/,
    `${what} must be one line that says something, it is ${JSON.stringify(text)}`,
  );
}

/** Names, times and contents of everything below a directory, itself included. */
async function snapshot(directory: string): Promise<readonly unknown[]> {
  const names = ['.', ...(await readdir(directory, { recursive: true })).sort()];
  return await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      const stats = await stat(path);
      const content = stats.isFile() ? await readFile(path, 'hex') : undefined;
      return { name, mtimeMs: stats.mtimeMs, mode: stats.mode, content };
    }),
  );
}
