import { startCompanion } from '@companion/core';
import '@companion/backend-docker'; // registers itself, as every backend does
import '@companion/backend-local'; // the best one that answers is taken

const sourceDir = `${import.meta.dirname}/../..`; // this repository, /workspace inside
const runner = await startCompanion({ sourceDir, image: 'node:24-slim' });
try {
  const prettier = runner.toCompanionPath('examples/run-a-tool/node_modules/.bin/prettier');
  const input = 'const answer={life :42}';
  const { stdout } = await runner.run(prettier, ['--parser', 'babel'], { input });
  console.log(`${stdout.trim()} // formatted in: ${runner.backend}`);
} finally {
  await runner.shutdown();
}
