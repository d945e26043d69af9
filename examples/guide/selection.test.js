// The examples of docs/architecture.md and docs/errors.md: each region stands there word for word.
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { CompanionError, createCompanion, explainSelection, startCompanion } from '@companion/core';
import '@companion/backend-local';

const sourceDir = import.meta.dirname;

test('selection explains itself', async () => {
  const lines = [];
  // #region explain
  for (const { backend, verdict, reason, hint } of await explainSelection({ sourceDir, image: 'node:24' })) {
    lines.push([backend, verdict, reason, hint].join(' '));
  }
  // #endregion
  assert.ok(lines.some((line) => line.startsWith('local ')));
});

test('errors are told apart by their codes', async () => {
  const messages = [];
  // #region codes
  try {
    await createCompanion({ sourceDir, requires: { filesystem: ['bound', 'copied'], limits: true } });
  } catch (error) {
    if (!CompanionError.is(error, 'COMPANION_NO_BACKEND')) throw error;
    messages.push(error.message, error.hint);
  }
  // #endregion
  assert.match(messages.join('\n'), /^no backend can serve this companion:\n {2}local: requires filesystem/);
});

test('events come to onEvent and to diagnostics channels', async () => {
  const types = [];
  // #region events
  const runner = await startCompanion({
    sourceDir,
    onEvent: ({ topic, type }) => types.push(`${topic} ${type}`),
  });
  // #endregion
  const ended = [];
  // #region channel
  const onProcess = (event) => {
    if (event.type === 'exited')
      ended.push(`${event.file} in ${event.companion.name}: ${event.durationMs} ms`);
  };
  subscribe('companion:process', onProcess);
  // #endregion
  await runner.run('true');
  await runner.shutdown();
  unsubscribe('companion:process', onProcess);
  assert.match(ended.join(), /^true in companion: [\d.]+ ms$/);
  assert.ok(types.indexOf('selection selected') < types.indexOf('environment started'));
  assert.equal(types.at(-1), 'environment removed');
});
