// Asks a language server about this repository's own source:
//
//   node main.js
import { join } from 'node:path';
import { startCompanion } from '@companion/core';
import '@companion/backend-docker';
import '@companion/backend-local';
import { report } from './report.js';

const sourceDir = join(import.meta.dirname, '../..');
const runner = await startCompanion({ name: 'language-server', sourceDir, image: 'node:24-slim' });
try {
  for (const [label, text] of await report(runner)) console.log(label.padEnd(12), text);
} finally {
  await runner.shutdown();
}
