// Shows what prettier would change in a file of this repository:
//
//   node format.js [file]
import { join, resolve } from 'node:path';
import { startCompanion } from '@companion/core';
import '@companion/backend-docker';
import '@companion/backend-local';
import { report } from './report.js';

const here = import.meta.dirname;
const file = resolve(process.argv[2] ?? join(here, 'untidy.yaml'));
const runner = await startCompanion({
  name: 'format',
  sourceDir: join(here, '../..'),
  image: 'node:24-slim',
});
try {
  for (const [label, text] of await report(runner, { file })) console.log(label.padEnd(12), text);
} finally {
  await runner.shutdown();
}
