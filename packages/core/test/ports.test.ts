import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import type { CompanionOptions, Endpoint } from '@companion/core';
import { afterEach, describe, expect, it } from 'vitest';
import { choosePorts, releasePorts } from '../src/ports.js';
import { deferred } from './deferred.js';
import type { FakeBehaviour } from './fake-backend.js';
import { type FakeCompanion, fakeCompanion, startedFake } from './fake-companion.js';

const cleanUps: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A server "inside": a real one on loopback, whose port only the fake knows. */
async function serverInside(onConnection: (socket: Socket) => unknown): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (socket) => void onConnection(socket));
  await listening(server, 0);
  cleanUps.push(() => {
    server.close();
  });
  return portOf(server);
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

/** A network of its own: what listens on `companionPort` is the real server at `inside[companionPort]`. */
function network(inside: Record<number, number>): FakeBehaviour {
  return {
    capabilities: { network: 'private' },
    connect: (companionPort) =>
      new Promise((resolve, reject) => {
        const port = inside[companionPort];
        if (port === undefined) {
          reject(new Error('connection refused'));
          return;
        }
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
        socket.once('error', reject);
        socket.once('connect', () => {
          socket.off('error', reject);
          resolve(socket);
        });
      }),
  };
}

async function started(behaviour: FakeBehaviour, options: CompanionOptions = {}): Promise<FakeCompanion> {
  const companion = await startedFake(behaviour, options);
  cleanUps.push(() => companion.runner.shutdown());
  return companion;
}

async function dial({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true });
  cleanUps.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Until its end, without touching the other way: node:stream/consumers would destroy both. */
async function bytes(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

async function text(stream: Duplex): Promise<string> {
  return (await bytes(stream)).toString();
}

/** Below the range from which the system takes ports for outgoing connections, at any moment. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    try {
      await listening(server, port);
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

interface Carried {
  readonly behaviour: FakeBehaviour;
  /** Core's end, and the one of whoever listens inside. */
  readonly connection: Promise<{ readonly near: Duplex; readonly far: Duplex }>;
}

/** A network whose one connection the test holds at both ends. */
function heldNetwork(): Carried {
  const connection = deferred<{ near: Duplex; far: Duplex }>();
  return {
    connection: connection.promise,
    behaviour: {
      capabilities: { network: 'private' },
      connect: async () => {
        const [near, far] = duplexPair();
        connection.resolve({ near, far });
        return near;
      },
    },
  };
}

describe('a network of its own', () => {
  it('is reached at 127.0.0.1, at a port of the host’s choosing', async () => {
    const { runner } = await started(network({ 4711: await serverInside((socket) => socket.end('hello')) }), {
      ports: [4711],
    });
    const endpoint = runner.endpoint(4711);
    expect(endpoint).toMatchObject({ host: '127.0.0.1', companionPort: 4711 });
    expect(Object.isFrozen(endpoint)).toBe(true);
    expect(await text(await dial(endpoint))).toBe('hello');
  });

  it('is reached at the host port that was asked for', async () => {
    const hostPort = await freePort();
    const { runner } = await started(network({ 4711: await serverInside((socket) => socket.end('hello')) }), {
      ports: [{ companionPort: 4711, hostPort }],
    });
    expect(runner.endpoint(4711).port).toBe(hostPort);
    expect(await text(await dial(runner.endpoint(4711)))).toBe('hello');
  });

  it('is PORT_UNAVAILABLE when that host port is taken, and nothing is left behind', async () => {
    const blocker = createServer();
    await listening(blocker, 0);
    cleanUps.push(() => void blocker.close());
    const { runner, backend } = await fakeCompanion(network({}), {
      ports: [{ companionPort: 1, hostPort: portOf(blocker) }],
    });
    await expect(runner.init()).rejects.toMatchObject({
      code: 'COMPANION_PORT_UNAVAILABLE',
      message: expect.stringContaining(`${portOf(blocker)}`),
      hint: expect.any(String),
    });
    expect(backend.calls).toEqual(['detect', 'start', 'shutdown']);
  });

  it('gives an any-free port a number before the backend sees the request, known by its name', async () => {
    const { runner, environment } = await started(network({}), {
      ports: [{ name: 'lsp' }, { name: 'debug' }, 25_000],
    });
    const ports = ['lsp', 'debug'].map((name) => runner.endpoint(name).companionPort);
    expect(new Set([...ports, 25_000]).size).toBe(3);
    expect(environment.request.ports.map(({ companionPort }) => companionPort)).toEqual([...ports, 25_000]);
    expect(Object.isFrozen(environment.request.ports)).toBe(true);
  });

  it('keeps no program alive by itself', async () => {
    const servers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPServerWrap').length;
    const before = servers();
    const { runner } = await started(network({}), { ports: [1, 2] });
    expect(runner.endpoint(1).port).toBeGreaterThan(0);
    expect(servers()).toBe(before);
  });

  it('keeps two companions with the same companion port apart', async () => {
    const endpoints: Endpoint[] = [];
    for (const name of ['one', 'other']) {
      const inside = await serverInside((socket) => socket.end(name));
      const { runner } = await started(network({ 80: inside }), { ports: [80] });
      endpoints.push(runner.endpoint(80));
    }
    expect(endpoints[0]!.port).not.toBe(endpoints[1]!.port);
    expect(await Promise.all(endpoints.map(async (endpoint) => text(await dial(endpoint))))).toEqual([
      'one',
      'other',
    ]);
  });

  it('passes large transfers both ways, and an end of one way on its own', async () => {
    const inside = await serverInside(async (socket) => {
      const question = await bytes(socket);
      socket.end(Buffer.concat([question, Buffer.from(' was all')]));
    });
    const { runner } = await started(network({ 1: inside }), { ports: [1] });
    const socket = await dial(runner.endpoint(1));
    const all = Buffer.alloc(5_000_000, 'abcdefg');
    socket.end(all);
    expect((await bytes(socket)).equals(Buffer.concat([all, Buffer.from(' was all')]))).toBe(true);
  });

  it('lets the inside end its way first, too', async () => {
    const received = deferred<string>();
    const inside = await serverInside((socket) => {
      socket.end('that is all from me');
      text(socket).then(received.resolve, received.reject);
    });
    const { runner } = await started(network({ 1: inside }), { ports: [1] });
    const socket = await dial(runner.endpoint(1));
    expect(await text(socket)).toBe('that is all from me');
    socket.end('I have more');
    expect(await received.promise).toBe('I have more');
  });

  it('resets connections while nothing listens inside, as any machine does', async () => {
    const { runner } = await started(network({}), { ports: [1] });
    const socket = connect(runner.endpoint(1));
    const [error] = await once(socket, 'error');
    expect((error as NodeJS.ErrnoException).code).toBe('ECONNRESET');
  });

  it('does not pass a connection that broke inside off as one that ended', async () => {
    const { behaviour, connection } = heldNetwork();
    const { runner } = await started(behaviour, { ports: [1] });
    const socket = await dial(runner.endpoint(1));
    const { near, far } = await connection;
    far.write('half of it');
    await once(socket, 'data');
    const outcome = new Promise((resolve) => {
      socket
        .once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .once('end', () => resolve('ended'));
    });
    near.destroy(new Error('the engine went away'));
    expect(await outcome).toBe('ECONNRESET');
  });

  it('closes the inside when the outside breaks off', async () => {
    const { behaviour, connection } = heldNetwork();
    const { runner } = await started(behaviour, { ports: [1] });
    const socket = await dial(runner.endpoint(1));
    const { near } = await connection;
    socket.resetAndDestroy();
    await once(near, 'close');
  });

  it('closes the outside when the inside has gone for good, though the outside would go on', async () => {
    const { behaviour, connection } = heldNetwork();
    const { runner } = await started(behaviour, { ports: [1] });
    const socket = await dial(runner.endpoint(1));
    const { near, far } = await connection;
    far.end('bye');
    expect(await text(socket)).toBe('bye');
    near.destroy();
    // Nobody is there to be written to; a client that keeps trying finds out, as on any network.
    socket.on('error', () => {});
    const broken = new Promise((resolve) => socket.once('close', resolve));
    const writing = setInterval(() => socket.write('hello?'), 5);
    await broken;
    clearInterval(writing);
  });

  it.each(['stop', 'shutdown'] as const)(
    'answers no more after %s(), and cuts what was open, half-open included',
    async (method) => {
      const { behaviour, connection } = heldNetwork();
      const { runner } = await started(behaviour, { ports: [1] });
      const endpoint = runner.endpoint(1);
      const socket = await dial(endpoint);
      socket.on('error', () => {});
      socket.end('last words');
      const { near, far } = await connection;
      expect(await text(far)).toBe('last words');
      const gone = [once(socket, 'close'), once(near, 'close')];
      socket.resume();
      await runner[method]();
      await Promise.all(gone);
      const again = connect(endpoint);
      const [error] = await once(again, 'error');
      expect((error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED');
    },
  );

  it('does not leave a connection behind that was still being made when it stopped', async () => {
    const slow = deferred<Duplex>();
    const asked = deferred();
    const { runner } = await started(
      {
        capabilities: { network: 'private' },
        connect: () => {
          asked.resolve();
          return slow.promise;
        },
      },
      { ports: [1] },
    );
    const socket = await dial(runner.endpoint(1));
    socket.on('error', () => {});
    await asked.promise;
    await runner.stop();
    const [ours] = duplexPair();
    slow.resolve(ours);
    await once(ours, 'close');
  });
});

describe('a shared network', () => {
  it('gives the port itself', async () => {
    const companionPort = await freePort();
    const { runner } = await started({}, { ports: [companionPort] });
    expect(runner.endpoint(companionPort)).toEqual({ host: '127.0.0.1', port: companionPort, companionPort });
  });

  it('forwards another host port', async () => {
    const [companionPort, hostPort] = [await freePort(), await freePort()];
    const { runner } = await started({}, { ports: [{ companionPort, hostPort }] });
    const server = createServer((socket) => socket.end('hello'));
    await listening(server, companionPort);
    cleanUps.push(() => void server.close());
    expect(runner.endpoint(companionPort).port).toBe(hostPort);
    expect(await text(await dial(runner.endpoint(companionPort)))).toBe('hello');
  });

  it('is PORT_UNAVAILABLE when a fixed port is taken: before anything starts', async () => {
    const blocker = createServer();
    await listening(blocker, 0);
    cleanUps.push(() => void blocker.close());
    const { runner, backend } = await fakeCompanion({}, { ports: [portOf(blocker)] });
    await expect(runner.init()).rejects.toMatchObject({ code: 'COMPANION_PORT_UNAVAILABLE' });
    expect(backend.calls).toEqual(['detect']);
  });

  it('gives any-free ports that are free, different, and nobody else’s', async () => {
    const companions = await Promise.all(
      Array.from({ length: 10 }, () => started({}, { ports: [{ name: 'a' }, { name: 'b' }] })),
    );
    const ports = companions.flatMap(({ runner }) => [runner.endpoint('a').port, runner.endpoint('b').port]);
    expect(new Set(ports).size).toBe(20);
    const server = createServer();
    await listening(server, ports[0]!);
    server.close();
  });

  it('never gives one port twice while it is held, however many there are', async () => {
    // Of ten thousand candidates: without a look at those that are held, some of 400 would be the same.
    const any = { name: undefined, companionPort: 0, hostPort: undefined };
    const first = await choosePorts(
      Array.from({ length: 200 }, () => any),
      'shared',
    );
    const second = await choosePorts(
      Array.from({ length: 200 }, () => any),
      'shared',
    );
    expect(new Set([...first, ...second].map((port) => port.companionPort)).size).toBe(400);
    for (const ports of [first, second]) releasePorts(ports);
  });

  it('keeps an any-free port through stop() and init()', async () => {
    const { runner } = await started({}, { ports: [{ name: 'a' }] });
    const before = runner.endpoint('a');
    await runner.stop();
    await runner.init();
    expect(runner.endpoint('a')).toEqual(before);
  });
});

describe('endpoint()', () => {
  it('knows declared ports only, by number or name', async () => {
    const { runner } = await started(network({}), { ports: [{ name: 'lsp', companionPort: 4711 }] });
    expect(runner.endpoint('lsp')).toBe(runner.endpoint(4711));
    expect(() => runner.endpoint(4712)).toThrow(
      expect.objectContaining({
        code: 'COMPANION_WRONG_STATE',
        hint: expect.stringContaining('waitForPort()'),
      }),
    );
    expect(() => runner.endpoint('dap')).toThrow(
      /^port: expected the name of a declared port \(lsp\), got "dap"/,
    );
  });

  it('answers only while the companion is ready', async () => {
    const { runner } = await fakeCompanion({}, { ports: [1] });
    expect(() => runner.endpoint(1)).toThrow(expect.objectContaining({ code: 'COMPANION_WRONG_STATE' }));
  });
});
