// What a container sees of the network, and what the network sees of it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DockerEnvironment } from '../../src/environment.js';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

eachEngine('networks', (engine) => {
  const [first, second] = ['first', 'second'].map((name) => `companion-test-${name}-${process.pid}`) as [
    string,
    string,
  ];
  beforeAll(async () => {
    for (const Name of [first, second]) await companions.docker.createNetwork({ Name, CheckDuplicate: true });
  });
  // Removed after the companions that are on them: the last hook is the first to run.
  afterAll(async () => {
    for (const name of [first, second]) await companions.docker.getNetwork(name).remove();
  });
  const companions = new Companions(engine);

  test('companions on the same networks reach each other, by other names, too', async () => {
    const server = await companions.start(
      { name: 'server' },
      { networks: [{ name: first, aliases: ['service', 'other'] }, second] },
    );
    const { NetworkSettings } = await companions.inspect('server');
    expect(Object.keys(NetworkSettings.Networks).sort()).toEqual([first, second]);
    expect(NetworkSettings.Networks[first]?.Aliases).toEqual(expect.arrayContaining(['service', 'other']));
    const address = NetworkSettings.Networks[second]?.IPAddress ?? '';
    expect(await say(server, 'ip -o -4 addr')).toContain(address);

    await server.spawn('sh', ['-c', 'while :; do echo hello | nc -l -p 4000; done']);
    const client = await companions.start({ name: 'client' }, { networks: [second] });
    expect(await say(client, 'until nc "$1" 4000 < /dev/null; do sleep 0.1; done', address)).toBe('hello');
  });

  test('names that are given, and the host of the engine', async () => {
    const runner = await companions.start(
      { name: 'hosts' },
      { extraHosts: { 'db.test': '10.1.2.3', v6: '::1' } },
    );
    const hosts = await say(runner, 'cat /etc/hosts');
    expect(hosts).toMatch(/^10\.1\.2\.3\s+db\.test/m);
    expect(hosts).toMatch(/^::1\s.*\bv6$/m);
    expect(hosts).toMatch(/^[\d.]+\s+.*host\.docker\.internal/m);
  });

  test('a network that does not exist is said in one sentence', async () => {
    const failure = await failureOf(companions.start({ name: 'lost' }, { networks: ['companion-nowhere'] }));
    expect(failure).toMatchObject({
      code: 'COMPANION_START_FAILED',
      hint: expect.stringContaining('network ls'),
    });
    expect(await companions.containers('lost')).toEqual([]);
  });

  test('the second network does not exist: nothing is left', async () => {
    const networks = [first, 'companion-nowhere'];
    const failure = await failureOf(companions.start({ name: 'half' }, { networks }));
    expect(failure).toMatchObject({
      code: 'COMPANION_START_FAILED',
      hint: expect.stringContaining('network ls'),
    });
    expect(await companions.containers('half')).toEqual([]);
  });

  test('ports that the engine publishes are on loopback, and can be asked for', async () => {
    const runner = await companions.start(
      { name: 'published' },
      {
        publish: [
          { companionPort: 4000 },
          { companionPort: 4001, protocol: 'udp' },
          { companionPort: 4000, hostPort: 45_871 },
        ],
      },
    );
    const published = await (runner.environment as DockerEnvironment).publishedPorts();
    expect(published).toEqual(
      expect.arrayContaining([
        { companionPort: 4000, protocol: 'tcp', address: '127.0.0.1', hostPort: 45_871 },
        { companionPort: 4001, protocol: 'udp', address: '127.0.0.1', hostPort: expect.any(Number) },
      ]),
    );
    expect(published).toHaveLength(3);
    for (const { address, hostPort } of published) {
      expect(address).toBe('127.0.0.1');
      expect(hostPort).toBeGreaterThan(0);
    }

    const failure = await failureOf(
      companions.start({ name: 'taken' }, { publish: [{ companionPort: 1, hostPort: 45_871 }] }),
    );
    expect(failure).toMatchObject({ code: 'COMPANION_PORT_UNAVAILABLE', hint: expect.any(String) });
    expect(await companions.containers('taken')).toEqual([]);
  });

  test('labels', async () => {
    const labels = { 'org.example.empty': '', 'org.example.text': 'a b=c' };
    await companions.start({ name: 'labelled', env: { TOKEN: 'secret-of-env' } }, { labels });
    const inspected = await companions.inspect('labelled');
    expect(inspected.Config.Labels).toMatchObject(labels);
    expect(JSON.stringify(inspected)).not.toContain('secret-of-env');
  });
});
