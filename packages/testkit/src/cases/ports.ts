import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { CompanionRunner, Endpoint } from '@companion/core';
import { assertNames } from '../assert-names.js';
import type { CaseContext, ConformanceCase } from '../case.js';
import { listenInside } from '../listen-inside.js';
import { throwsWith } from '../rejects-with.js';
import { answers, exchange, freePort } from '../tcp.js';

/** More than every buffer on the way can hold. */
const LARGE_BYTES = 4_000_000;

export const portsCases: readonly ConformanceCase[] = [
  {
    id: 'ports.fixed',
    title: 'a server on loopback inside is reached on 127.0.0.1 through the endpoint of its port',
    since: 1,
    requires: {},
    run: async (context) => {
      const port = await freePort();
      const byOption = await context.start({ ports: [port] });
      await assertReached(context, byOption, port);
      await byOption.shutdown();
      const byMethod = await context.create();
      await byMethod.withPortMapping(0, port).init();
      await assertReached(context, byMethod, port);
    },
  },
  {
    id: 'ports.any',
    title: 'without a companion port core chooses a free one and says which',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'one' }, { name: 'two' }] });
      const [one, two] = [runner.endpoint('one').companionPort, runner.endpoint('two').companionPort];
      for (const port of [one, two]) {
        assert.ok(
          Number.isInteger(port) && port > 0 && port < 65_536,
          `a port must be chosen, it is ${port}`,
        );
      }
      assert.notEqual(one, two, 'two ports must differ');
      await assertReached(context, runner, 'one');
      await assertReached(context, runner, 'two');
    },
  },
  {
    id: 'ports.named',
    title: "a port has the same endpoint by name and by number, and an unknown name is the caller's mistake",
    since: 1,
    requires: {},
    run: async (context) => {
      const port = await freePort();
      const runner = await context.start({ ports: [{ companionPort: port, name: 'server' }] });
      assert.deepEqual(runner.endpoint('server'), runner.endpoint(port), 'the name must mean the port');
      assert.equal(runner.endpoint('server').companionPort, port, 'the endpoint must say which port it is');
      assert.throws(() => runner.endpoint('sever'), TypeError, 'an unknown name');
      await assert.rejects(runner.waitForPort('sever'), TypeError, 'an unknown name');
    },
  },
  {
    id: 'ports.known-later',
    title: 'a port that became known only after init() has an endpoint once waitForPort() has seen it',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start();
      const port = await freePort();
      const error = throwsWith(() => runner.endpoint(port), 'COMPANION_WRONG_STATE', 'an undeclared port');
      assert.ok(error.hint !== undefined, 'the error must say what to do');
      assertNames(error, [String(port), 'waitForPort()'], 'the error');
      await assertReached(context, runner, port);
    },
  },
  {
    id: 'ports.host-port',
    title: 'with a host port the server is reached there, whatever its port inside',
    since: 1,
    requires: {},
    run: async (context) => {
      const [companionPort, hostPort, other] = [await freePort(), await freePort(), await freePort()];
      const runner = await context.create({ ports: [{ companionPort, hostPort, name: 'server' }] });
      await runner.withPortMapping(other, 0, { name: 'any' }).init();
      assert.equal(runner.endpoint('server').port, hostPort, 'the endpoint must be at the host port');
      assert.equal(runner.endpoint('any').port, other, 'also for a port chosen by core');
      await assertReached(context, runner, 'server');
      await assertReached(context, runner, 'any');
    },
  },
  {
    id: 'ports.large-transfers',
    title: 'large transfers go both ways at once, byte by byte, and half-closing loses nothing',
    since: 1,
    requires: {},
    run: async (context) => {
      // The second goes through a forwarder on every backend.
      const ports = [{ name: 'plain' }, { name: 'forwarded', hostPort: await freePort() }];
      const runner = await context.start({ ports });
      const bytes = randomBytes(LARGE_BYTES);
      for (const name of ['plain', 'forwarded']) {
        const { companionPort } = runner.endpoint(name);
        const server = await listenInside(runner, companionPort, 'echo');
        const endpoint = await runner.waitForPort(name, { process: server });
        const echoed = await context.due(
          `every byte comes back (${name})`,
          Promise.all([1, 2].map(() => exchange(endpoint, bytes, context.signal))),
        );
        for (const echo of echoed) {
          assert.equal(echo.length, bytes.length, `every byte must come back (${name})`);
          assert.equal(sha256(echo), sha256(bytes), `they must be the same bytes (${name})`);
        }
        await server.stop();
      }
    },
  },
  {
    id: 'ports.half-close',
    title: 'a server that answers only after its client has ended its side is heard',
    since: 1,
    requires: {},
    run: async (context) => {
      const ports = [{ name: 'plain' }, { name: 'forwarded', hostPort: await freePort() }];
      const runner = await context.start({ ports });
      const bytes = randomBytes(LARGE_BYTES / 2);
      for (const name of ['plain', 'forwarded']) {
        const server = await listenInside(runner, runner.endpoint(name).companionPort, 'digest');
        const endpoint = await runner.waitForPort(name, { process: server });
        const digest = await context.due(
          `the answer comes although the client has ended its side (${name})`,
          exchange(endpoint, bytes, context.signal),
        );
        assert.equal(
          digest.toString().slice(0, 64),
          sha256(bytes),
          `the digest of all that was sent must come (${name})`,
        );
        const empty = (await exchange(endpoint, '', context.signal)).toString();
        assert.equal(empty.slice(0, 64), sha256(Buffer.alloc(0)), `also of nothing at all (${name})`);
        await server.stop();
      }
    },
  },
  {
    id: 'ports.many-connections',
    title: 'many connections at once are kept apart',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({ ports: [{ name: 'server', hostPort: await freePort() }] });
      const server = await listenInside(runner, runner.endpoint('server').companionPort);
      const waiting = runner.waitForPort('server', { process: server });
      const endpoint = await context.due('the server inside is ready', waiting);
      const texts = Array.from({ length: 30 }, (_, index) => `connection ${index} `.repeat(1000));
      const echoes = await context.due(
        'each of 30 connections gets its own bytes back',
        Promise.all(texts.map(async (text) => (await exchange(endpoint, text, context.signal)).toString())),
      );
      assert.deepEqual(echoes, texts, 'each connection must get its own bytes back');
    },
  },
  {
    id: 'ports.nothing-listens',
    title: 'a declared port on which nothing listens gives no answer, and is not taken for ready',
    since: 1,
    requires: {},
    run: async (context) => {
      const runner = await context.start({
        ports: [{ name: 'plain' }, { name: 'forwarded', hostPort: await freePort() }],
      });
      for (const name of ['plain', 'forwarded']) {
        assert.equal(await answers(runner.endpoint(name)), false, `nobody is there to answer (${name})`);
      }
    },
  },
  {
    id: 'ports.invalid',
    title: "a port that cannot be, or is given twice, is the caller's mistake",
    since: 1,
    requires: {},
    run: async (context) => {
      for (const port of [0, -1, 1.5, 65_536, Number.NaN]) {
        const demand = `the port ${port} must be refused`;
        await assert.rejects(context.create({ ports: [port] }), TypeError, demand);
        await assert.rejects(
          context.create({ ports: [{ companionPort: 80, hostPort: port }] }),
          TypeError,
          demand,
        );
      }
      await assert.rejects(context.create({ ports: [4711, 4711] }), TypeError, 'a companion port twice');
      const names = [{ name: 'same' }, { name: 'same' }];
      await assert.rejects(context.create({ ports: names }), TypeError, 'a name twice');
      const hostPorts = [
        { companionPort: 4711, hostPort: 4713 },
        { companionPort: 4712, hostPort: 4713 },
      ];
      await assert.rejects(context.create({ ports: hostPorts }), TypeError, 'a host port twice');
      const runner = await context.start();
      for (const port of [0, -1, 1.5, 65_536]) {
        const demand = `waiting for port ${port} must be refused at once`;
        await assert.rejects(runner.waitForPort(port, { timeoutMs: 2000 }), TypeError, demand);
      }
    },
  },
];

/** Starts a server for the port inside, and reaches it from here. */
async function assertReached(
  { signal, due }: CaseContext,
  runner: CompanionRunner,
  port: number | string,
): Promise<void> {
  const companionPort = typeof port === 'number' ? port : runner.endpoint(port).companionPort;
  const server = await listenInside(runner, companionPort);
  const waiting = runner.waitForPort(port, { process: server });
  const endpoint: Endpoint = await due(`the server at ${companionPort} inside is ready`, waiting);
  assert.equal(endpoint.host, '127.0.0.1', 'endpoints must be on loopback');
  assert.equal(endpoint.companionPort, companionPort, 'the endpoint must say which port it is');
  assert.deepEqual(runner.endpoint(port), endpoint, 'endpoint() must say the same as waitForPort()');
  const exchanged = exchange(endpoint, 'hello inside', signal);
  const echo = await due(`the server at ${companionPort} inside answers`, exchanged);
  assert.equal(echo.toString(), 'hello inside', `the server at ${companionPort} must be reached`);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
