import { localBackend } from '@companion/backend-local/backend';
import { expect, test } from 'vitest';
import { runConformance } from '../src/run-conformance.js';
import { wrap } from './mutants/wrap.js';

test('a backend that declares less, and does no more than that, passes the counter-cases', async () => {
  const modest = wrap(localBackend, {
    capabilities: { descendants: false, killTree: false, signals: false, tty: false },
    process: ({ kill }) => ({ kill: (signal) => kill(signal, 'process') }),
  });
  const only = [
    'descendants',
    'signals',
    'lifecycle.stop-ends-processes',
    'terminals',
    'users',
    'limits',
    'network',
  ];
  const { cases } = await runConformance({ backend: modest, required: true }, { only });
  expect(cases.filter(({ verdict }) => verdict === 'failed')).toEqual([]);
  expect(cases.filter(({ verdict }) => verdict === 'passed').map(({ id }) => id)).toEqual(
    expect.arrayContaining([
      'descendants.refused',
      'lifecycle.stop-ends-processes',
      'limits.refused',
      'network.none-refused',
      'signals.refused',
      'signals.to-tree-refused',
      'terminals.refused',
      'users.refused',
    ]),
  );
}, 60_000);
