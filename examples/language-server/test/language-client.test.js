import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { startCompanion } from '@companion/core';
import '@companion/backend-local';
import { LanguageClient } from '../language-client.js';

const here = join(import.meta.dirname, '..');
let runner;

before(async () => {
  runner = await startCompanion({ sourceDir: join(here, '../..'), image: 'node:24-slim' });
});

after(async () => {
  await runner?.shutdown();
});

/** A server of a few lines, which has `receive` and `send`. */
async function connect(script) {
  const framing = runner.toCompanionUri(pathToFileURL(join(here, 'message-framing.js')));
  const source = `
    import { decodeMessages, encodeMessage } from ${JSON.stringify(framing)};
    const messages = decodeMessages(process.stdin);
    const receive = async () => (await messages.next()).value;
    const send = (message) => process.stdout.write(encodeMessage({ jsonrpc: '2.0', ...message }));
    ${script}
    process.stdin.destroy(); // an open one would keep it alive`;
  return new LanguageClient(await runner.spawn('node', ['--input-type=module', '--eval', source]));
}

test('answers reach their requests, in whatever order they come', async () => {
  const client = await connect(`
    const [first, second] = [await receive(), await receive()];
    send({ id: second.id, result: second.params });
    send({ id: first.id, result: first.params });`);
  assert.deepEqual(await Promise.all([client.request('a', 1), client.request('b', 2)]), [1, 2]);
  assert.deepEqual(await client.ended, { code: 0, signal: null });
});

test("a server's refusal rejects the request with its words", async () => {
  const client = await connect(
    `send({ id: (await receive()).id, error: { code: -32602, message: 'no such file' } });`,
  );
  await assert.rejects(client.request('textDocument/hover'), /no such file/);
  await client.ended;
});

test('a notification is waited for until one is accepted', async () => {
  const client = await connect(`
    await receive();
    for (const value of [1, 2, 3]) send({ method: 'count', params: { value } });`);
  const awaited = client.nextNotification('count', ({ value }) => value > 1);
  client.notify('begin');
  assert.deepEqual(await awaited, { value: 2 });
  await client.ended;
});

test('a question of the server is answered, so that it does not wait forever', async () => {
  const client = await connect(`
    send({ id: 'q', method: 'workspace/configuration', params: {} });
    const { error } = await receive();
    send({ method: 'told', params: error.message });`);
  assert.equal(await client.nextNotification('told', () => true), 'no workspace/configuration here');
  await client.ended;
});

test('requests and waiting end with the server, and say how it ended and what it said', async () => {
  const client = await connect(`
    await receive();
    console.error('cannot find tsserver');
    process.exit(3);`);
  const request = client.request('initialize');
  const waiting = client.nextNotification('ready', () => true);
  const expected = /has ended with code 3\n.*cannot find tsserver/;
  await Promise.all([assert.rejects(request, expected), assert.rejects(waiting, expected)]);
  await assert.rejects(client.request('shutdown'), expected);
  assert.deepEqual(await client.ended, { code: 3, signal: null });
});

test('a notification that nobody awaits any more does no harm when the server ends', async () => {
  const client = await connect('await receive();');
  void client.nextNotification('ready', () => true);
  await assert.rejects(client.request('initialize'), /has ended with code 0/);
});

test('a server that does not speak the protocol is told at once, with what it said', async (t) => {
  const server = await runner.spawn('node', [
    '--eval',
    "console.log('Usage: server --stdio\\r\\n\\r'); setInterval(() => {}, 1000)",
  ]);
  t.after(() => server.stop());
  await assert.rejects(new LanguageClient(server).request('initialize'), /Usage: server --stdio/);
});

test('a descendant that holds the output open does not delay the end', async () => {
  const client = await connect(`
    import { spawn } from 'node:child_process';
    spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1000)'], { stdio: ['ignore', 'inherit', 'inherit'] }).unref();
    send({ method: 'last', params: 'word' });
    process.stdout.write('', () => process.exit(0));`);
  assert.equal(await client.nextNotification('last', () => true), 'word');
  assert.deepEqual(await client.ended, { code: 0, signal: null });
});
