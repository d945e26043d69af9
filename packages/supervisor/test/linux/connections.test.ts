import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { isRunnable, startSupervisor, textOf, WHERE } from './real-supervisor.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    if (server.listening) await once(server, 'close');
  }
});

async function listen(onConnection: (socket: Socket) => void, host = '127.0.0.1'): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  servers.push(server);
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function hashOf(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

describe.runIf(isRunnable)(`a connection to a port inside ${WHERE}`, () => {
  it('carries 50 MB each way at once', { timeout: 120_000 }, async () => {
    const { supervisor } = await startSupervisor();
    const port = await listen((socket) => socket.pipe(socket));
    const connection = await supervisor.connect(port);
    const block = randomBytes(1_000_003);
    const blocks = Array.from({ length: 50 }, () => block);
    const sent = createHash('sha256');
    for (const one of blocks) sent.update(one);
    const [found] = await Promise.all([hashOf(connection), pipeline(Readable.from(blocks), connection)]);
    expect(found).toBe(sent.digest('hex'));
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ address }) => address === '::1'),
  );
  it.runIf(hasIpv6).each(['::1', '::', '::ffff:127.0.0.1'])(
    'is made to one that listens at %s',
    async (host) => {
      const { supervisor } = await startSupervisor();
      const port = await listen((socket) => socket.end('hello'), host);
      expect(await supervisor.listening(port)).toBe(true);
      const connection = await supervisor.connect(port);
      connection.end();
      expect(await textOf(connection)).toBe('hello');
    },
  );

  it('ends in each direction by itself', async () => {
    const { supervisor } = await startSupervisor();
    const answering = await listen((socket) => {
      void textOf(socket).then((text) => socket.end(`got ${text}`));
    });
    const first = await supervisor.connect(answering);
    first.end('request');
    expect(await textOf(first)).toBe('got request');
    const heard = new Promise<string>((resolve) => {
      void listen((socket) => {
        socket.end('hello');
        void textOf(socket).then(resolve);
      }).then(async (port) => {
        const second = await supervisor.connect(port);
        await once(second.resume(), 'end');
        second.end('afterwards');
      });
    });
    expect(await heard).toBe('afterwards');
  });

  it('is reset when it is destroyed, and destroyed when it is reset', async () => {
    const { supervisor } = await startSupervisor();
    const accepted: Promise<Socket>[] = [];
    const sockets: ((socket: Socket) => void)[] = [];
    for (let number = 0; number < 2; number++) {
      accepted.push(
        new Promise((resolve) => {
          sockets.push(resolve);
        }),
      );
    }
    const port = await listen((socket) => sockets.shift()?.(socket));
    const first = await supervisor.connect(port);
    const error = once((await accepted[0]!).resume(), 'error');
    first.destroy();
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }]);
    const second = await supervisor.connect(port);
    const reset = once(second, 'error');
    (await accepted[1]!).resetAndDestroy();
    expect(await reset).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('holds back who sends while nobody reads', async () => {
    const { supervisor } = await startSupervisor();
    let pushed = 0;
    const port = await listen((socket) => {
      const push = (): void => {
        while (socket.writable && pushed < 64 && socket.write(Buffer.alloc(1_000_000))) pushed += 1;
      };
      socket.on('drain', () => {
        pushed += 1;
        push();
      });
      push();
    });
    const connection = await supervisor.connect(port);
    await once(connection, 'readable');
    for (let number = 0; number < 50; number++) await supervisor.ping();
    expect(pushed).toBeLessThan(30);
    expect(connection.readableLength).toBeLessThanOrEqual(256 * 1024);
    connection.destroy();
  });

  it('is refused where nobody listens, and listening() says so', async () => {
    const { supervisor } = await startSupervisor();
    const port = await listen(() => {});
    expect(await supervisor.listening(port)).toBe(true);
    const [server] = servers;
    server!.close();
    await once(server!, 'close');
    expect(await supervisor.listening(port)).toBe(false);
    await expect(supervisor.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is one of a hundred', async () => {
    const { supervisor } = await startSupervisor();
    const port = await listen((socket) => socket.pipe(socket));
    const echoes = Array.from({ length: 100 }, async (_, index) => {
      const connection = await supervisor.connect(port);
      connection.end(`number ${index}`);
      return await textOf(connection);
    });
    expect(await Promise.all(echoes)).toEqual(echoes.map((_, index) => `number ${index}`));
  });
});
