import { describe, expect, it } from 'vitest';
import type { FakeProcess } from '../fake-backend.js';
import { startedFake } from '../fake-companion.js';

const ends = (process: FakeProcess): void => process.exit();
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

describe('processes that start in one moment', () => {
  it('start few at a time and in their order, so that nothing else has to wait for all', async () => {
    const { runner, environment } = await startedFake({ spawn: ends });
    const names = Array.from({ length: 100 }, (_, number) => `tool-${number}`);
    const runs = names.map((name) => runner.run(name));
    let most = 0;
    for (let before = 0; before < names.length; ) {
      await turn();
      most = Math.max(most, environment.processes.length - before);
      before = environment.processes.length;
    }
    expect(most).toBeLessThan(20);
    await Promise.all(runs);
    expect(environment.processes.map(({ command }) => command.file)).toEqual(names);
  });

  it('are what they were asked for: nothing can be changed while one waits', async () => {
    const { runner, environment } = await startedFake({ spawn: ends });
    const env: Record<string, string> = {};
    const runs = Array.from({ length: 50 }, (_, number) => {
      env.NUMBER = String(number);
      return runner.run('tool', [], { env });
    });
    const last = runner.newProcess('last');
    const started = last.start();
    for (const change of [() => last.withEnv({}), () => last.withDir('/'), () => last.withTty({} as never)]) {
      expect(change).toThrow('started already');
    }
    await expect(last.run()).rejects.toThrow('started already');
    expect(last.isRunning()).toBe(false);
    await Promise.all([...runs, started]);
    await last.wait();
    const numbers = environment.processes.slice(0, -1).map(({ command }) => Number(command.env.NUMBER));
    expect(numbers).toEqual(runs.map((_, number) => number));
  });

  it.each(['stopped', 'shut down', 'lost', 'aborted'])(
    'never start once they are %s while they wait',
    async (how) => {
      const { runner, environment, events } = await startedFake({ spawn: ends });
      const abort = new AbortController();
      const runs = Array.from({ length: 50 }, () => runner.run('tool', [], { signal: abort.signal }));
      const last = runner.newProcess('last');
      const started = last.start({ signal: abort.signal });
      const settled = Promise.allSettled([...runs, started]);
      if (how === 'stopped') await last.stop();
      if (how === 'shut down') await runner.shutdown();
      if (how === 'lost') environment.lost.resolve(new Error('it was removed'));
      if (how === 'aborted') abort.abort();
      const code = how === 'lost' ? 'COMPANION_ENVIRONMENT_LOST' : 'COMPANION_ABORTED';
      expect(codeOf(await started.catch((error: unknown) => error))).toBe(code);
      const results = await settled;
      expect(environment.processes.some(({ command }) => command.file === 'last')).toBe(false);
      expect(last.pid).toBeNull();
      const failed = results.filter(({ status }) => status === 'rejected');
      // The few that had begun are ended with the others, but by the end of one process alone.
      const unstarted = results.length - environment.processes.length;
      expect(failed.length).toBeGreaterThanOrEqual(how === 'stopped' ? 1 : unstarted);
      expect(failed.length).toBeLessThanOrEqual(how === 'stopped' ? 1 : results.length);
      const reported = events.filter(({ type }) => type === 'start-failed');
      if (how !== 'aborted') expect(reported.length).toBeGreaterThan(0);
    },
  );
});
