import { startCompanion } from '@companion/core';
import '@companion/backend-local';

const code = `require('node:http')
  .createServer((request, response) => response.end('hello from inside'))
  .listen(process.argv[1], '127.0.0.1')`;

const runner = await startCompanion({ name: 'server', ports: [{ name: 'web' }] });
try {
  const { companionPort } = runner.endpoint('web'); // any free one: the server has to be told
  const server = await runner.spawn('node', ['-e', code, `${companionPort}`]);
  const { host, port } = await runner.waitForPort('web', { process: server });
  const response = await fetch(`http://${host}:${port}`);
  console.log(await response.text());
} finally {
  await runner.shutdown(); // ends the server and everything it has started
}
