import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCompanion } from '@companion/core';
import '@companion/backend-local';
import { exploreSymbol } from '../explore-symbol.js';

const root = join(import.meta.dirname, '../../..');
const project = join(root, 'packages/core');
const file = join(project, 'src/index.ts');

test("a language server knows this repository's createCompanion", async (t) => {
  const processes = [];
  const runner = await startCompanion({
    sourceDir: root,
    image: 'node:24-slim',
    onEvent: (event) => event.topic === 'process' && processes.push(event.type),
  });
  t.after(() => runner.shutdown());
  const source = await readFile(join(project, 'src/create-companion.ts'), 'utf8');
  const lines = source.split('\n');

  const found = await exploreSymbol(runner, {
    project,
    file,
    symbol: 'createCompanion',
    mistake: "void createCompanion({ sourceDri: '.' });\n",
  });

  assert.equal(found.typescript, '6.0.3');
  assert.match(
    found.hover,
    /function createCompanion\(options\?: CompanionOptions\b.*\): Promise<CompanionRunner>/,
  );
  assert.equal(found.definition.file, join(project, 'src/create-companion.ts'));
  const line = lines[found.definition.line - 1];
  assert.match(line, /^export async function createCompanion\(/);
  assert.equal(line.slice(found.definition.column - 1, found.definition.column + 14), 'createCompanion');
  assert.equal(found.diagnostics.length, 1);
  const [{ message, ...place }] = found.diagnostics;
  assert.match(message, /'sourceDri' does not exist in type 'CompanionOptions'.*'sourceDir'/);
  assert.deepEqual(place, { file: found.definition.file, line: lines.length, column: 24, code: 2561 });
  assert.deepEqual(found.exit, { code: 0, signal: null });
  assert.deepEqual(processes, ['started', 'exited']);
  assert.equal(await readFile(found.definition.file, 'utf8'), source);
});

test('an unknown symbol is an error, and the server is gone all the same', async (t) => {
  const processes = [];
  const runner = await startCompanion({
    sourceDir: root,
    image: 'node:24-slim',
    onEvent: (event) => event.topic === 'process' && processes.push(event.type),
  });
  t.after(() => runner.shutdown());
  const request = { project, file, symbol: 'createCompanionn', mistake: '' };
  await assert.rejects(exploreSymbol(runner, request), /createCompanionn does not occur/);
  assert.deepEqual(processes, ['started', 'exited']);
});
