import { startCompanion } from '@companion/core';
import '@companion/backend-local'; // registers itself

const runner = await startCompanion({ name: 'first' });
try {
  console.log(`environment: ${runner.backend} (${runner.selection.reason})`);
  const { stdout } = await runner.run('node', ['--version']);
  console.log(`node inside: ${stdout.trim()}`);
} finally {
  await runner.shutdown();
}
