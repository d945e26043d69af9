import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Abortable } from '@companion/core/backend';
import type { Engine } from '../engine/engine.js';
import { agentOf } from '../engine/engine-agent.js';

/** Of an engine's refusal, in a message. */
const REFUSAL_BYTES = 4096;

/**
 * The raw streams of a container before it is started: what is written goes to its standard input, what comes is its
 * multiplexed output. Not dockerode's: it sends a body with the request, which Podman hands to the container as input.
 */
export async function attachContainer(engine: Engine, id: string, options: Abortable): Promise<Duplex> {
  return await upgrade(
    engine,
    `/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1`,
    undefined,
    options,
  );
}

/** The same of a process that is started by this in a running container. */
export async function startExec(engine: Engine, id: string, options: Abortable): Promise<Duplex> {
  return await upgrade(engine, `/exec/${id}/start`, { Detach: false, Tty: false }, options);
}

function upgrade(
  engine: Engine,
  path: string,
  body: object | undefined,
  { signal }: Abortable,
): Promise<Duplex> {
  const { endpoint, apiVersion } = engine;
  const { host, port, basePath } =
    endpoint.transport.kind === 'tcp' ? endpoint.transport : { host: 'localhost', port: 80, basePath: '' };
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request({
      agent: agentOf(endpoint),
      method: 'POST',
      host,
      port,
      path: `${basePath}/v${apiVersion}${path}`,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'tcp',
        'Content-Length': Buffer.byteLength(text),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(signal === undefined ? {} : { signal }),
    });
    call.once('upgrade', (_response, stream, head) => {
      if (head.length > 0) stream.unshift(head);
      resolve(stream);
    });
    call.once('response', (response) => {
      let refusal = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        refusal = (refusal + piece).slice(0, REFUSAL_BYTES);
      });
      response.once('error', reject);
      response.once('end', () => {
        const status = response.statusCode ?? 0;
        reject(Object.assign(new Error(wordsOf(refusal) || `HTTP ${status}`), { statusCode: status }));
      });
    });
    call.once('error', reject);
    call.end(text);
  });
}

/** An engine says why as JSON. */
function wordsOf(refusal: string): string {
  try {
    const { message } = JSON.parse(refusal) as { message?: unknown };
    return typeof message === 'string' ? message : '';
  } catch {
    return refusal.trim();
  }
}
