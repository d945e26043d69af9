import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMessages, encodeMessage } from '../message-framing.js';

async function decode(chunks) {
  const messages = [];
  for await (const message of decodeMessages(chunks)) messages.push(message);
  return messages;
}

const messages = [{ id: 1, result: 'größe 🚀' }, { method: 'log', params: { text: '\r\n\r\n' } }, { id: 2 }];
const bytes = Buffer.concat(messages.map(encodeMessage));

test('a message is preceded by its length in bytes', () => {
  assert.equal(encodeMessage({ a: 'ü' }).toString(), 'Content-Length: 10\r\n\r\n{"a":"ü"}');
});

test('messages that come in one piece are told apart', async () => {
  assert.deepEqual(await decode([bytes]), messages);
});

test('messages that come byte by byte are put together, characters too', async () => {
  assert.deepEqual(await decode([...bytes].map((byte) => Buffer.from([byte]))), messages);
});

test('other headers are passed over, in any case', async () => {
  const message = 'Content-Type: application/vscode-jsonrpc\r\ncontent-length: 2\r\n\r\n{}';
  assert.deepEqual(await decode([Buffer.from(message)]), [{}]);
});

test('what is not the protocol is an error that shows it', async () => {
  await assert.rejects(decode([Buffer.from('Usage: server --stdio\r\n\r\n')]), /Usage: server --stdio/);
});
