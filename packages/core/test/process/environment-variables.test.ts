import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeVariables } from '../../src/process/environment-variables.js';
import { startedFake } from '../fake-companion.js';

const variableName = fc.string({ minLength: 1, maxLength: 4 }).filter((text) => text !== '__proto__');
const variables = fc.dictionary(variableName, fc.option(fc.string(), { nil: undefined }));
const base = fc.dictionary(variableName, fc.string());

describe('merging variables', () => {
  it('lets the later win, removes what is undefined, and changes nothing that it is given', () => {
    fc.assert(
      fc.property(base, variables, variables, (original, first, second) => {
        const copy = structuredClone(original);
        const merged = mergeVariables(original, first, second);
        const expected = Object.entries({ ...original, ...first, ...second }).filter(
          ([, value]) => value !== undefined,
        );
        expect(Object.entries(merged).sort()).toEqual(expected.sort());
        expect(original).toEqual(copy);
        expect(mergeVariables(mergeVariables(original, first), second)).toEqual(merged);
      }),
    );
  });
});

describe('the variables of a process', () => {
  /** What a process gets, given the environment's, the companion's and its own. */
  async function given(
    environment: Record<string, string>,
    companion: Record<string, string | undefined>,
    own: Record<string, string | undefined>,
  ): Promise<Readonly<Record<string, string>>> {
    const fake = await startedFake({ start: () => ({ env: environment }) }, { env: companion });
    await fake.runner.spawn('tool', [], { env: own });
    await fake.runner.shutdown();
    return fake.environment.processes[0]!.command.env;
  }

  it("are the environment's, then the companion's, then its own", async () => {
    expect(
      await given({ A: 'image', B: 'image', C: 'image' }, { B: 'companion', C: 'companion' }, { C: 'own' }),
    ).toEqual({ HOME: '/home/fake', A: 'image', B: 'companion', C: 'own' });
  });

  it('can be removed at every step, and set again at the next', async () => {
    expect(
      await given({ A: '1', B: '1', HOME: '/root' }, { A: undefined }, { A: '2', B: undefined }),
    ).toEqual({
      HOME: '/root',
      A: '2',
    });
  });

  it('keep what an image may hold: empty, with =, with line breaks', async () => {
    const odd = { EMPTY: '', EQUAL: 'a=b', LINES: 'a\nb', 'lower.dots-and_%': 'x' };
    expect(await given({}, odd, {})).toMatchObject(odd);
  });

  it('can be appended to: after a separator only where there is something', async () => {
    const { runner, environment } = await startedFake({
      start: () => ({ env: { PATH: '/bin', EMPTY: '' } }),
    });
    const process = runner
      .newProcess('tool')
      .withEnvAppend('PATH', '/opt/bin')
      .withEnvAppend('PATH', '/more', ';')
      .withEnvAppend('EMPTY', 'x', ',')
      .withEnvAppend('NEW', 'y', ',')
      .withEnv({ LATER: 'a' })
      .withEnvAppend('LATER', 'b', '');
    await process.start();
    expect(environment.processes[0]?.command.env).toMatchObject({
      PATH: '/bin:/opt/bin;/more',
      EMPTY: 'x',
      NEW: 'y',
      LATER: 'ab',
    });
    await runner.shutdown();
  });

  it('can be put first, the last one before the others', async () => {
    const { runner, environment } = await startedFake({ start: () => ({ env: { PATH: '/bin' } }) });
    const process = runner
      .newProcess('tool')
      .withEnvPrepend('PATH', '/opt/bin')
      .withEnvAppend('PATH', '/last')
      .withEnvPrepend('PATH', '/first', ';')
      .withEnvPrepend('NEW', 'x');
    await process.start();
    expect(environment.processes[0]?.command.env).toMatchObject({
      PATH: '/first;/opt/bin:/bin:/last',
      NEW: 'x',
    });
    expect(() => runner.newProcess('tool').withEnvPrepend('PATH', undefined as never)).toThrow(TypeError);
    await runner.shutdown();
  });

  it.each([
    ['a value that is not a string', ['PATH', undefined]],
    ['a separator that is not a string', ['PATH', 'x', 5]],
    ['a name with =', ['A=B', 'x']],
  ])('cannot be appended: %s', async (_what, args) => {
    const { runner } = await startedFake();
    const process = runner.newProcess('tool');
    expect(() => process.withEnvAppend(...(args as [string, string]))).toThrow(TypeError);
    await runner.shutdown();
  });

  it('are fixed when the process starts: later changes of what was passed are not seen', async () => {
    const { runner, environment } = await startedFake();
    const mine = { A: '1' };
    const process = runner.newProcess('tool').withEnv(mine);
    mine.A = '2';
    await process.start();
    expect(environment.processes[0]?.command.env.A).toBe('1');
    await runner.shutdown();
  });
});
