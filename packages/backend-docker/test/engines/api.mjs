import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';

/** One request to an engine; resolves with what it says. `body` is a stream. Rejects for a status that is no success. */
export async function ask(address, path, { method = 'GET', headers, body, signal } = {}) {
  const { protocol, pathname, hostname, port } = new URL(address);
  const place = protocol === 'unix:' ? { socketPath: pathname } : { host: hostname, port };
  const sent = request({ ...place, path, method, headers, signal });
  const answered = new Promise((resolve, reject) => sent.once('response', resolve).once('error', reject));
  if (body === undefined) sent.end();
  else pipeline(body, sent).catch(() => {}); // what went wrong is in the answer
  const response = await answered;
  const said = await text(response);
  if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${said.trim()}`);
  return said;
}
