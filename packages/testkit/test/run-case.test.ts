import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localBackend } from '@companion/backend-local/backend';
import type { Backend } from '@companion/core/backend';
import { describe, expect, test } from 'vitest';
import type { ConformanceCase } from '../src/case.js';
import { MARK_VARIABLE } from '../src/leftovers.js';
import { isAlive } from '../src/liveness.js';
import { sh } from '../src/shell.js';
import { wrap } from './mutants/wrap.js';
import { runCaseOn } from './run-case-on.js';

function caseOf(run: ConformanceCase['run'], timeoutMs = 15_000): ConformanceCase {
  return { id: 'test.case', title: 'A test of the kit.', since: 1, requires: {}, timeoutMs, run };
}

const never = () => new Promise<never>(() => {});

async function failuresOf(one: ConformanceCase, backend: Backend = localBackend): Promise<readonly string[]> {
  return (await runCaseOn(one, { backend }, { shutdownMs: 500 })).failures;
}

describe('a case', () => {
  test('passes when it resolves, and nothing of it is left', async () => {
    let directory = '';
    let pid: number | null = null;
    const one = caseOf(async (context) => {
      directory = context.directory;
      const runner = await context.start();
      expect(runner.backend).toBe('local');
      await runner.run(...sh('echo left > file'));
      ({ pid } = await runner.spawn('sleep', ['60']));
      expect(existsSync(join(directory, 'file'))).toBe(true);
    });
    expect(await failuresOf(one)).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    expect(await isAlive(pid ?? 0)).toBe(false);
  });

  test('gives its companions the defaults, under what it asks for', async () => {
    const one = caseOf(async (context) => {
      const elsewhere = join(context.directory, 'elsewhere');
      await mkdir(elsewhere);
      const runner = await context.start({ name: 'other', sourceDir: elsewhere, env: { OWN: 'value' } });
      const { stdout } = await runner.run(...sh(`pwd; echo "$OWN $${MARK_VARIABLE}"`));
      expect(runner.name).toBe('other');
      expect(stdout).toBe(`${elsewhere}\nvalue ${context.defaults.env?.[MARK_VARIABLE]}\n`);
    });
    expect(await failuresOf(one)).toEqual([]);
  });

  test.for([
    ['rejects', () => Promise.reject(new Error('broken'))],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
    ],
  ] as const)('fails when it %s', async ([, run]) => {
    expect(await failuresOf(caseOf(run))).toEqual(['Error: broken']);
  });

  test('fails with the codes and causes of what it rejects with', async () => {
    const backend = wrap(localBackend, {
      environment: () => ({ start: () => Promise.reject(new Error('the engine is on fire')) }),
    });
    const [failure, ...others] = await failuresOf(
      caseOf(async (context) => void (await context.start())),
      backend,
    );
    expect(others).toEqual([]);
    expect(failure).toMatch(/^COMPANION_START_FAILED: .*\ncaused by: Error: the engine is on fire$/);
  });

  test('says what was due when that rejects', async () => {
    const one = caseOf(async ({ due }) => {
      await due('something comes', Promise.resolve());
      await due('the server is ready', Promise.reject(new Error('reset by peer')));
    });
    expect(await failuresOf(one)).toEqual(['the server is ready: Error: reset by peer']);
  });

  test('shows no more of a long comparison than can be read', async () => {
    const one = caseOf(() => Promise.reject(new Error(`${'x'.repeat(1000)}${'\nline'.repeat(1000)}`)));
    const [failure = ''] = await failuresOf(one);
    expect(failure.split('\n')[0]).toBe(`Error: ${'x'.repeat(393)}…`);
    expect(failure.split('\n').slice(-2)).toEqual(['line', '… 941 lines more']);
  });

  test('fails on an error of this process that nobody caught', async () => {
    const one = caseOf(async () => {
      setTimeout(() => {
        throw new Error('from a timer');
      }, 0);
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect(await failuresOf(one)).toEqual(['an error that nobody caught: Error: from a timer']);
  });

  test('aborts with its signal', async () => {
    const reason = new Error('enough');
    const abort = new AbortController();
    const one = caseOf(async () => {
      abort.abort(reason);
      await never();
    });
    const { failures } = await runCaseOn(one, { backend: localBackend }, { signal: abort.signal });
    expect(failures).toEqual(['Error: enough', 'what it was waiting for has not settled since']);
  });
});

describe('the time of a case', () => {
  test('is limited', async () => {
    const one = caseOf(async ({ signal }) => {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }, 100);
    expect(await failuresOf(one)).toEqual(['Error: it took longer than 100 ms']);
  });

  test('is limited, and what was due by then is said', async () => {
    const one = caseOf(async ({ due }) => {
      const both = Promise.all([
        due('it answers', never()),
        due('it listens', never()),
        due('it answers', never()),
      ]);
      await due('it starts', Promise.resolve());
      await both;
    }, 100);
    expect((await failuresOf(one))[0]).toBe(
      'it answers: it has not come after 100 ms\nit listens: it has not come after 100 ms',
    );
  });

  test('is limited when the case does not notice', async () => {
    expect(await failuresOf(caseOf(never, 100))).toEqual([
      'Error: it took longer than 100 ms',
      'what it was waiting for has not settled since',
    ]);
  });

  test('is limited when the backend hangs in spawn', async () => {
    const backend = wrap(localBackend, { environment: () => ({ spawn: never }) });
    const one = caseOf(async (context) => void (await (await context.start()).run('true')), 100);
    expect((await failuresOf(one, backend))[0]).toBe('Error: it took longer than 100 ms');
  });

  test('is limited when the backend hangs in start', async () => {
    const backend = wrap(localBackend, { environment: () => ({ start: never }) });
    const one = caseOf(async (context) => void (await context.start()), 100);
    expect((await failuresOf(one, backend))[0]).toBe('Error: it took longer than 100 ms');
  });

  test('leaves no companion for a case that goes on behind its back', async () => {
    let late: Promise<unknown> | undefined;
    const one = caseOf(async (context) => {
      await new Promise((_, reject) =>
        context.signal.addEventListener('abort', () => {
          late = context.create();
          late.catch(() => {});
          reject(context.signal.reason);
        }),
      );
    }, 100);
    await failuresOf(one);
    await expect(late).rejects.toMatchObject({ code: 'COMPANION_ABORTED' });
  });
});

describe('cleaning up', () => {
  test('fails the case when shutdown() fails', async () => {
    const backend = wrap(localBackend, {
      environment: () => ({ shutdown: () => Promise.reject(new Error('busy')) }),
    });
    const [failure, ...others] = await failuresOf(
      caseOf(async (context) => void (await context.start())),
      backend,
    );
    expect(others).toEqual([]);
    expect(failure).toMatch(/^shutdown\(\) failed: COMPANION_SHUTDOWN_FAILED: .*\ncaused by: Error: busy$/);
  });

  test('is limited when shutdown() hangs, and names what is left', async () => {
    const backend = wrap(localBackend, { environment: () => ({ shutdown: never }) });
    const one = caseOf(async (context) => void (await context.start({ name: 'stuck' })));
    expect(await failuresOf(one, backend)).toEqual([
      "left behind: companion 'stuck', still shutting-down 500 ms after shutdown()",
    ]);
  });

  test.runIf(process.platform === 'linux')(
    'finds and ends processes that are left',
    async () => {
      let pid: number | null = null;
      const backend = wrap(localBackend, {
        environment: () => ({ shutdown: () => Promise.resolve() }),
        process: () => ({ kill: () => Promise.resolve(), exited: never() }),
      });
      const one = caseOf(async (context) => {
        ({ pid } = await (await context.start()).spawn('sleep', ['60']));
      });
      const failures = await failuresOf(one, backend);
      expect(failures.at(-1)).toBe(`after shutdown(): still running: ${pid} (sleep 60)`);
      await expect.poll(() => isAlive(pid ?? 0)).toBe(false);
    },
    60_000,
  );

  test('does not stop at a failed case', async () => {
    let pid: number | null = null;
    const one = caseOf(async (context) => {
      ({ pid } = await (await context.start()).spawn('sleep', ['60']));
      await writeFile(join(context.directory, 'left'), '');
      throw new Error('broken');
    });
    expect(await failuresOf(one)).toEqual(['Error: broken']);
    expect(await isAlive(pid ?? 0)).toBe(false);
  });
});
