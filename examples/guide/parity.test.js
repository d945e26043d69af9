// The example of docs/parity.md: the region stands there word for word.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { localBackend } from '@companion/backend-local/backend';
import { verifyParity } from '@companion/core';

const sourceDir = import.meta.dirname;
// Two names for this machine: what is the same on both is known.
const backends = [localBackend, { ...localBackend, name: 'another', priority: 200 }];

test('one toolchain on every backend', async () => {
  const lines = [];
  // #region verify
  const parity = await verifyParity(
    { sourceDir, image: 'node:24', backends }, // without `backends`: those that you have imported
    {
      node: ['node', '--version'],
      gcc: { command: ['gcc', '--version'], pattern: /\d+\.\d+\.\d+/, optional: true },
    },
  );
  if (!parity.same) throw new Error(parity.differences.join('\n'));
  for (const { says, backends } of parity.probes.node.variants) {
    lines.push(`${backends.join(', ')}: ${says}`);
  }
  // #endregion
  assert.deepEqual(lines, [`another, local: ${process.version}`]);
});
