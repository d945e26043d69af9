import { CommandFailedError, CompanionError, createCompanion } from '@companion/core';
import { describe, expect, it } from 'vitest';
import { invalidArgument } from '../src/errors.js';
import { fakeBackend } from './fake-backend.js';
import { startedFake } from './fake-companion.js';

describe('CompanionError', () => {
  it('carries code, sentence, cause and hint', () => {
    const cause = new Error('below');
    const error = new CompanionError('COMPANION_NOT_READY', 'not yet', { cause, hint: 'Wait.' });
    expect(error).toMatchObject({ code: 'COMPANION_NOT_READY', message: 'not yet', cause, hint: 'Wait.' });
    expect(String(error)).toBe('CompanionError: not yet');
    expect(error).toBeInstanceOf(Error);
  });

  it('without a cause has no member `cause`', () => {
    expect('cause' in new CompanionError('COMPANION_NOT_READY', 'not yet')).toBe(false);
  });

  it.each([null, undefined, 'COMPANION_NOT_READY', {}, new Error('x'), { code: 'COMPANION_NOT_READY' }])(
    'is() says no to %s',
    (value) => {
      expect(CompanionError.is(value)).toBe(false);
    },
  );
});

describe('CommandFailedError', () => {
  it('is a CompanionError that carries the result and the last lines of output, and never an argument', async () => {
    const { runner } = await startedFake({
      spawn: (process) => {
        process.stdout.write('to stdout\n');
        process.stderr.write(`${Array.from({ length: 30 }, (_, index) => `line ${index}`).join('\n')}\n`);
        setImmediate(() => process.exit(2));
      },
    });
    const error = await runner.run('tool', ['--token', 'hunter2']).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommandFailedError);
    expect(CompanionError.is(error, 'COMPANION_COMMAND_FAILED')).toBe(true);
    const { message, result } = error as CommandFailedError;
    expect(message).toMatch(/^tool \(2 arguments\) exited with code 2:\n/);
    expect(message).toContain('line 29');
    expect(message).not.toContain('line 19');
    expect(message).not.toContain('hunter2');
    expect(String(error)).toMatch(/^CommandFailedError: tool/);
    expect(result).toMatchObject({ code: 2, signal: null, reason: 'exited', stdout: 'to stdout\n' });
    await runner.shutdown();
  });
});

describe('what a message shows of a value', () => {
  it.each<[unknown, string]>([
    ['text', '"text"'],
    ['x'.repeat(500), `"${'x'.repeat(119)}…"`],
    ['line\nbreak', String.raw`"line\nbreak"`],
    [{ token: 'secret' }, 'an object'],
    [['secret'], 'an array'],
    [[], 'an empty array'],
    [() => 'secret', 'a function'],
    [null, 'null'],
    [undefined, 'undefined'],
    [Number.NaN, 'NaN'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%s', (value, shown) => {
    expect(invalidArgument('thing', 'another', value).message).toBe(`thing: expected another, got ${shown}`);
  });
});

it('an unknown backend is an error that names it, who named it, and what is there', async () => {
  const error = await createCompanion({
    sourceDir: import.meta.dirname,
    backends: [fakeBackend({ name: 'one' }), fakeBackend({ name: 'two' })],
    preferredBackend: 'three',
  }).catch((reason: unknown) => reason);
  expect(CompanionError.is(error, 'COMPANION_NO_BACKEND')).toBe(true);
  expect((error as Error).message).toMatch(/'three'.*preferredBackend.*one, two/);
});
