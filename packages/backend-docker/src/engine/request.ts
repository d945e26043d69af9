import { type IncomingHttpHeaders, request } from 'node:http';
import type { Endpoint } from './endpoint.js';
import { agentOf } from './engine-agent.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** More than any answer that is asked for here. */
const MAX_BODY = 4 * 1024 * 1024;

/** One `GET` to an engine over node:http: what detection needs, without loading a client. */
export async function get(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<Answer> {
  try {
    return await getOnce(endpoint, path, signal);
  } catch (error) {
    // An idle connection that the engine, restarted, closed at this very moment says nothing about the engine.
    if (error instanceof StaleConnection) return await getOnce(endpoint, path, signal);
    throw error;
  }
}

/** The JSON object that an engine answers with; undefined where it, or a proxy before it, refuses. */
export async function getObject(
  endpoint: Endpoint,
  path: string,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  const { status, body } = await get(endpoint, path, signal);
  if (status !== 200) return undefined;
  const value: unknown = JSON.parse(body);
  return typeof value === 'object' && value !== null ? { ...value } : undefined;
}

class StaleConnection extends Error {}

function getOnce({ transport, ...rest }: Endpoint, path: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { host, port, basePath } =
      transport.kind === 'tcp' ? transport : { host: 'localhost', port: 80, basePath: '' };
    const agent = agentOf({ transport, ...rest });
    const call = request({ agent, host, port, path: `${basePath}${path}`, signal }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (text: string) => {
        body += text;
        if (body.length > MAX_BODY) response.destroy(new Error('the answer is too long for an engine'));
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    call.on('error', (error) =>
      reject(call.reusedSocket ? new StaleConnection('', { cause: error }) : error),
    );
    call.end();
  });
}
