// Generates code from proto/ into gen/ and shows it:
//
//   node main.js
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startCompanion } from '@companion/core';
import '@companion/backend-local';
import { report } from './report.js';

const here = import.meta.dirname;
const runner = await startCompanion({
  name: 'code-generation',
  sourceDir: join(here, '../..'),
  image: 'node:24-slim',
  // What is written inside has to appear here.
  requires: { filesystem: ['shared', 'bound'] },
});
try {
  for (const [label, text] of await report(runner)) console.log(label.padEnd(12), text);
  console.log(`\n${await readFile(join(here, 'gen/toolcall/v1/tool_call_pb.js'), 'utf8')}`);
} finally {
  await runner.shutdown();
}
