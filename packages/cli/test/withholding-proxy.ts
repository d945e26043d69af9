import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** In front of an engine's socket: passes everything on, but never that a container is to be started. */
export interface WithholdingProxy {
  /** As in DOCKER_HOST. */
  readonly address: string;
  /** Resolves once a container has been made and somebody wants it started. */
  readonly withheld: Promise<void>;
  close(): void;
}

export async function startWithholdingProxy(
  engineAddress: string,
  directory: string,
): Promise<WithholdingProxy> {
  const path = join(directory, 'engine.sock');
  let report = (): void => {};
  const withheld = new Promise<void>((resolve) => {
    report = resolve;
  });
  const server = createServer((client) => {
    const engine = connect(new URL(engineAddress).pathname);
    for (const end of [client, engine]) end.on('error', () => {});
    client.on('close', () => engine.destroy());
    engine.on('close', () => client.destroy());
    engine.pipe(client);
    client.on('data', (chunk) => {
      if (/^POST \S+\/containers\/\S+\/start\b/m.test(chunk.toString('latin1'))) report();
      else engine.write(chunk);
    });
  });
  server.listen(path);
  await once(server, 'listening');
  return { address: `unix://${path}`, withheld, close: () => void server.close() };
}
