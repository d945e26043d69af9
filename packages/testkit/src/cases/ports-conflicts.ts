import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import type { PortOptions } from '@companion/core';
import { assertNames } from '../assert-names.js';
import type { CaseContext, ConformanceCase } from '../case.js';
import { listenInside } from '../listen-inside.js';
import { rejectsWith } from '../rejects-with.js';
import { sh } from '../shell.js';
import { answers, exchange, freePort, isFree, takenPort } from '../tcp.js';

/** Ports that somebody else has, and who may reach ours: part of the area `ports`. */
export const portsConflictsCases: readonly ConformanceCase[] = [
  {
    id: 'ports.taken-companion-port',
    title: 'on a shared network a companion port that is in use fails init(), which works once it is free',
    since: 1,
    requires: { network: 'shared' },
    run: async (context) => {
      await assertRefusedWhileTaken(context, (port) => port);
    },
  },
  {
    id: 'ports.taken-host-port',
    title: 'a host port that is in use fails init(), which works once it is free',
    since: 1,
    requires: {},
    run: async (context) => {
      await assertRefusedWhileTaken(context, (hostPort) => ({ hostPort, name: 'server' }));
      const hostPort = await freePort();
      const first = await context.start({ ports: [{ hostPort, name: 'server' }] });
      const second = await context.create({ ports: [{ hostPort, name: 'server' }] });
      await rejectsWith(second.init(), 'COMPANION_PORT_UNAVAILABLE', 'a host port of another companion');
      await first.stop();
      await second.init();
    },
  },
  {
    id: 'ports.same-port-shared',
    title:
      "on a shared network a second companion cannot have the port on which the first one's server listens",
    since: 1,
    requires: { network: 'shared' },
    run: async (context) => {
      const port = await freePort();
      const first = await context.start({ ports: [port] });
      await first.waitForPort(port, { process: await listenInside(first, port) });
      const second = await context.create({ ports: [port] });
      const demand = 'a port of another companion';
      assertNames(
        await rejectsWith(second.init(), 'COMPANION_PORT_UNAVAILABLE', demand),
        [String(port)],
        demand,
      );
    },
  },
  {
    id: 'ports.same-port-private',
    title: 'on private networks companions listen on the same port and are reached apart',
    since: 1,
    requires: { network: 'private' },
    run: async (context) => {
      const port = 4711;
      const runners = await Promise.all([context.start({ ports: [port] }), context.start({ ports: [port] })]);
      const [first, second] = runners;
      const firstEndpoint = await context.due(
        'the server of the first is reached',
        first.waitForPort(port, { process: await listenInside(first, port, 'echo') }),
      );
      assert.equal(
        await answers(second.endpoint(port)),
        false,
        'the server of the one must not be in the other',
      );
      const secondEndpoint = await context.due(
        'the server of the second listens on the same port, and is reached',
        second.waitForPort(port, { process: await listenInside(second, port, 'digest') }),
      );
      assert.notEqual(firstEndpoint.port, secondEndpoint.port, 'their endpoints must differ');
      const echo = await exchange(firstEndpoint, 'text', context.signal);
      assert.equal(echo.toString(), 'text', 'the first must be reached at its endpoint');
      const digest = await exchange(secondEndpoint, 'text', context.signal);
      assert.match(digest.toString(), /^[0-9a-f]{64}/, 'the second must be reached at its own');
    },
  },
  {
    id: 'ports.private-inside',
    title:
      'on a private network a port of this machine is not in use inside, and a server inside is not on it',
    since: 1,
    requires: { network: 'private' },
    run: async (context) => {
      const taken = await takenPort();
      try {
        const runner = await context.start({ ports: [taken.port] });
        const server = await listenInside(runner, taken.port);
        const endpoint = await context.due(
          'a server inside listens on a port that is in use on this machine',
          runner.waitForPort(taken.port, { process: server }),
        );
        assert.notEqual(endpoint.port, taken.port, 'the endpoint must be another port');
        assert.equal(
          (await exchange(endpoint, 'text', context.signal)).toString(),
          'text',
          'it must be reached',
        );
      } finally {
        await taken.release();
      }
    },
  },
  {
    id: 'ports.closed-after-stop',
    title: 'after stop() and after shutdown() nothing answers on the endpoints any more',
    since: 1,
    requires: {},
    run: async (context) => {
      const ports = [{ name: 'plain' }, { name: 'forwarded', hostPort: await freePort() }];
      const runner = await context.start({ ports });
      for (const end of ['stop', 'shutdown'] as const) {
        await runner.init();
        const endpoints = [];
        for (const { name } of ports) {
          const server = await listenInside(runner, runner.endpoint(name).companionPort);
          endpoints.push(await runner.waitForPort(name, { process: server }));
        }
        for (const endpoint of endpoints)
          assert.equal(await answers(endpoint), true, 'it must answer before');
        await context.due(`${end}() ends the servers inside, and resolves`, runner[end]());
        for (const endpoint of endpoints) {
          assert.equal(
            await answers(endpoint),
            false,
            `port ${endpoint.port} must not answer after ${end}()`,
          );
        }
      }
    },
  },
  {
    id: 'ports.loopback-only',
    title: "endpoints are not reachable at this machine's other addresses",
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server', hostPort: await freePort() }] });
      const server = await listenInside(runner, runner.endpoint('server').companionPort);
      const { host, port } = await runner.waitForPort('server', { process: server });
      assert.equal(await answers({ host, port }), true, 'it must answer on 127.0.0.1');
      for (const other of otherLoopbacks()) {
        assert.equal(await answers({ host: other, port }), false, `it must not answer on ${other}`);
      }
      // What listens on all addresses listens on these. Nobody outside has to be asked to see that.
      for (const other of addresses()) {
        assert.equal(await isFree(port, other), true, `it must not listen on ${other}`);
      }
    },
  },
  {
    id: 'ports.failed-init-frees',
    title: 'an init() that fails gives back the ports it has taken',
    since: 1,
    requires: {},
    run: async (context) => {
      const hostPort = await freePort();
      const failing = await context.create({ ports: [{ hostPort, name: 'server' }] });
      failing.withBinary('companion-no-such-program');
      await rejectsWith(failing.init(), 'COMPANION_COMMAND_NOT_FOUND', 'init() without the program');
      const next = await context.start({ ports: [{ hostPort, name: 'server' }] });
      assert.equal((await next.run(...sh('echo works'))).stdout, 'works\n', 'the next one must get the port');
    },
  },
];

async function assertRefusedWhileTaken(
  context: CaseContext,
  option: (port: number) => number | PortOptions,
): Promise<void> {
  const { port, release } = await takenPort();
  const demand = 'a port that is in use';
  const runner = await context.create({ ports: [option(port)] });
  try {
    const error = await rejectsWith(runner.init(), 'COMPANION_PORT_UNAVAILABLE', demand);
    assertNames(error, [String(port)], demand);
    assert.ok(error.hint !== undefined, 'the error must say what to do');
    assert.equal(runner.state, 'created', 'the companion must be as before');
  } finally {
    await release();
  }
  await runner.init();
  assert.equal(runner.state, 'ready', 'init() must work once the port is free');
}

/** Addresses that lead to this machine and to nobody else; on Linux all of 127.0.0.0/8 does. */
function otherLoopbacks(): readonly string[] {
  return process.platform === 'linux' ? ['127.0.0.2', '::1'] : ['::1'];
}

/** Addresses by which others reach this machine. Those of one link alone cannot be named without it. */
function addresses(): readonly string[] {
  const entries = Object.values(networkInterfaces()).flatMap((ofInterface = []) => ofInterface);
  return entries.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address);
}
