import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localBackend } from '@companion/backend-local/backend';
import type { CompanionRunner } from '@companion/core';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import type { ConformanceTarget } from '../src/plan.js';
import type { ConformanceReport } from '../src/report.js';
import { runConformance, runSuite } from '../src/run-conformance.js';
import { Suite } from '../src/suite.js';
import { wrap } from './mutants/wrap.js';

function caseOf(
  id: string,
  run: ConformanceCase['run'],
  more: Partial<ConformanceCase> = {},
): ConformanceCase {
  return { id, title: `The rule ${id}.`, since: 1, requires: {}, run, ...more };
}

const passing = caseOf('test.passing', () => Promise.resolve());

async function reportOn(
  cases: readonly ConformanceCase[],
  target: Partial<ConformanceTarget> = {},
): Promise<ConformanceReport> {
  const complete = { backend: localBackend, ...target };
  return await runSuite(await Suite.prepare(complete, { cases }), complete.backend.name);
}

function verdicts({ cases }: ConformanceReport): string[] {
  return cases.map(
    ({ id, verdict, reason }) => `${id} ${verdict}${reason === undefined ? '' : `: ${reason}`}`,
  );
}

const absent = wrap(localBackend, {
  detect: () => Promise.resolve({ available: false, reason: 'no engine', hint: 'Start it.' }),
});

afterEach(() => {
  delete process.env.COMPANION_REQUIRE_BACKENDS;
});

describe('a run', () => {
  test('reports every case and that nothing is left', async () => {
    const report = await reportOn([
      passing,
      caseOf('test.limits', passing.run, { requires: { limits: true } }),
    ]);
    expect(verdicts(report)).toEqual([
      'test.passing passed',
      'test.limits skipped: applies to limits true, it has false',
      'suite.leaves-nothing passed',
    ]);
    expect(report.counts).toEqual({ passed: 2, failed: 0, skipped: 1, waived: 0 });
  });

  test('in which nothing applies fails', async () => {
    const report = await reportOn([caseOf('test.limits', passing.run, { requires: { limits: true } })]);
    expect(verdicts(report)).toEqual([
      'test.limits skipped: applies to limits true, it has false',
      'suite.runs-cases failed: every case is skipped: nothing has been shown',
    ]);
  });

  test('reports a waived case that fails as waived, and one that passes as failed', async () => {
    const failing = caseOf('test.failing', () => Promise.reject(new Error('broken')));
    const waivers = { 'test.failing': '#7', 'test.passing': '#8' };
    expect(verdicts(await reportOn([failing, passing], { waivers }))).toEqual([
      'test.failing waived: #7\nError: broken',
      'test.passing failed: it passes, although waived by #8: remove the waiver',
      'suite.leaves-nothing passed',
    ]);
  });

  test('goes by what detect() has lowered, and lets cases see it', async () => {
    const backend = wrap(localBackend, {
      detect: () => Promise.resolve({ available: true, lowered: { ownerDeath: 'survives' } }),
    });
    const looking = caseOf('test.looking', ({ capabilities }) => {
      expect(capabilities.ownerDeath).toBe('survives');
      return Promise.resolve();
    });
    const killed = caseOf('test.killed', passing.run, { requires: { ownerDeath: 'killed' } });
    expect(verdicts(await reportOn([looking, killed], { backend }))).toEqual([
      'test.looking passed',
      'test.killed skipped: applies to ownerDeath killed, it has survives',
      'suite.leaves-nothing passed',
    ]);
  });

  test('tells each case as it ends', async () => {
    const seen: string[] = [];
    const report = await runConformance(
      { backend: localBackend },
      { only: ['exit-status.used-once', 'redaction'], onCase: ({ id }) => void seen.push(id) },
    );
    expect(seen).toEqual(report.cases.map(({ id }) => id));
    expect(seen).toContain('exit-status.used-once');
    expect(seen).not.toContain('exit-status.codes');
    expect(report.counts.failed).toBe(0);
  }, 60_000);

  test('that is aborted rejects with the reason and restores TMPDIR', async () => {
    const before = process.env.TMPDIR;
    const reason = new Error('enough');
    const abort = new AbortController();
    const running = runConformance(
      { backend: localBackend },
      { only: ['exit-status'], signal: abort.signal, onCase: () => abort.abort(reason) },
    );
    await expect(running).rejects.toBe(reason);
    expect(process.env.TMPDIR).toBe(before);
    await expect(runConformance({ backend: localBackend }, { signal: abort.signal })).rejects.toBe(reason);
  }, 60_000);

  test('rejects for a mistake in the target', async () => {
    await expect(runConformance({ backend: localBackend }, { only: ['nothing'] })).rejects.toThrow(TypeError);
    await expect(runConformance({ backend: localBackend, waivers: { nothing: '#7' } })).rejects.toThrow(
      TypeError,
    );
  });
});

describe('a backend that is not available', () => {
  test('is skipped with its reason', async () => {
    expect(verdicts(await reportOn([passing], { backend: absent }))).toEqual([
      'test.passing skipped: not available: no engine (Start it.)',
    ]);
  });

  test('fails where it is required', async () => {
    const expected = ['test.passing failed: required, but not available: no engine (Start it.)'];
    expect(verdicts(await reportOn([passing], { backend: absent, required: true }))).toEqual(expected);
    process.env.COMPANION_REQUIRE_BACKENDS = 'docker,local';
    expect(verdicts(await reportOn([passing], { backend: absent }))).toEqual(expected);
    process.env.COMPANION_REQUIRE_BACKENDS = 'docker';
    expect((await reportOn([passing], { backend: absent })).counts.skipped).toBe(1);
  });

  test('fails in any case when it cannot say so', async () => {
    const backend = wrap(localBackend, { detect: () => Promise.reject(new Error('oops')) });
    const [verdict] = verdicts(await reportOn([passing], { backend }));
    expect(verdict).toMatch(/^test\.passing failed: .*oops/);
  });

  test('fails when it is none', async () => {
    const backend = {
      ...localBackend,
      capabilities: { ...localBackend.capabilities, tty: 'maybe' as never },
    };
    const [verdict] = verdicts(await reportOn([passing], { backend }));
    expect(verdict).toMatch(/^test\.passing failed: .*tty/);
  });
});

describe('the companion that cases share', () => {
  test('is started once, and is new after a case that failed', async () => {
    const seen: CompanionRunner[] = [];
    const sharing = (id: string, fails = false) =>
      caseOf(
        id,
        async ({ shared }) => {
          const runner = await shared();
          seen.push(runner);
          expect((await runner.run('pwd')).code).toBe(0);
          if (fails) throw new Error('broken');
        },
        { shares: true },
      );
    const report = await reportOn([sharing('test.a'), sharing('test.b', true), sharing('test.c')]);
    expect(verdicts(report)).toEqual([
      'test.a passed',
      'test.b failed: Error: broken',
      'test.c passed',
      'suite.leaves-nothing passed',
    ]);
    expect(seen[0]).toBe(seen[1]);
    expect(seen[2]).not.toBe(seen[1]);
    expect(seen.map(({ state }) => state)).toEqual(['shut-down', 'shut-down', 'shut-down']);
  });
});

describe('suite.leaves-nothing', () => {
  test('names files in the temporary directory, and removes them', async () => {
    let left = '';
    const leaving = caseOf('test.leaving', () => {
      left = join(tmpdir(), 'a-socket');
      writeFileSync(left, '');
      return Promise.resolve();
    });
    expect(verdicts(await reportOn([leaving])).at(-1)).toBe(
      'suite.leaves-nothing failed: files were left: $TMPDIR/a-socket',
    );
    expect(existsSync(left)).toBe(false);
  });

  test('names listeners of this process', async () => {
    const server = createServer();
    const leaving = caseOf('test.leaving', async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    try {
      expect(verdicts(await reportOn([leaving])).at(-1)).toBe(
        'suite.leaves-nothing failed: still held by this process: 1 TCPServerWrap',
      );
    } finally {
      server.close();
    }
  });

  test.runIf(process.platform === 'linux')('names processes of the shared companion', async () => {
    const backend = wrap(localBackend, {
      environment: () => ({ shutdown: () => Promise.resolve() }),
      process: () => ({ kill: () => Promise.resolve() }),
    });
    const leaving = caseOf(
      'test.leaving',
      async ({ shared }) => {
        await (await shared()).run('sh', ['-c', 'sleep 61 >/dev/null 2>&1 &']);
      },
      { shares: true },
    );
    expect(verdicts(await reportOn([leaving], { backend })).at(-1)).toMatch(
      /^suite\.leaves-nothing failed: still running: \d+ \(sleep 61\)$/,
    );
  });
});
