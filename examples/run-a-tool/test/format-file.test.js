import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startCompanion } from '@companion/core';
import '@companion/backend-local';
import { formatFile } from '../format-file.js';

const here = import.meta.dirname;
let elsewhere;
let runner;

before(async () => {
  elsewhere = await mkdtemp(join(tmpdir(), 'companion-example-'));
  runner = await startCompanion({
    sourceDir: join(here, '../../..'),
    mounts: [elsewhere],
    image: 'node:24-slim',
  });
});

after(async () => {
  await runner?.shutdown();
  await rm(elsewhere, { recursive: true, force: true });
});

test('a file is formatted as its language wants it, and stays as it was', async () => {
  const file = join(here, '../untidy.yaml');
  const text = await readFile(file, 'utf8');
  const formatted = await formatFile(runner, file);
  assert.equal(formatted.before, text);
  assert.equal(
    formatted.after,
    [
      '# A file as people type it: prettier has something to do.',
      'name: checks',
      'on: [push, pull_request]',
      'jobs:',
      '  test:',
      '    runs-on: "ubuntu-latest"',
      '    steps:',
      '      - uses: actions/checkout@v4',
      '      - run: npm test',
      '',
    ].join('\n'),
  );
  assert.equal(await readFile(file, 'utf8'), text);
});

test('a file from a mount is formatted with the configuration beside it', async () => {
  await writeFile(join(elsewhere, '.prettierrc'), '{ "semi": false, "singleQuote": true }');
  await writeFile(join(elsewhere, 'größe.ts'), 'export const größe:string="ü";');
  const { after: text } = await formatFile(runner, join(elsewhere, 'größe.ts'));
  assert.equal(text, "export const größe: string = 'ü'\n");
});

test('a file that prettier cannot read rejects with its complaint', async () => {
  const file = join(elsewhere, 'broken.ts');
  await writeFile(file, 'const = ;');
  await assert.rejects(formatFile(runner, file), {
    code: 'COMPANION_COMMAND_FAILED',
    message: /exited with code 2[\s\S]*SyntaxError/,
  });
});

test('an aborted run rejects as such', async () => {
  await assert.rejects(formatFile(runner, join(here, '../untidy.yaml'), { signal: AbortSignal.abort() }), {
    code: 'COMPANION_ABORTED',
  });
});
