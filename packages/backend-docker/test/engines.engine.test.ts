// The engines that the other tests stand on: that they are what they are said to be, and leave nothing.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import Docker from 'dockerode';
import { describe, expect, test } from 'vitest';
import { eachEngine, onEngine } from './engines/each-engine.js';
import { startEngines, type TestEngine } from './engines/engines.mjs';

const connect = ({ address }: { address: string }): Docker =>
  new Docker({ socketPath: new URL(address).pathname });

async function run(engine: TestEngine, image: string, command: string[]): Promise<string> {
  const container = await connect(engine).createContainer({ Image: image, Cmd: command });
  await container.start();
  await container.wait();
  const said = await container.logs({ stdout: true });
  await container.remove();
  return payload(said);
}

/** Without the eight bytes before each frame, the last four of which are its length. */
function payload(frames: Buffer): string {
  if (frames.length === 0) return '';
  const end = 8 + frames.readUInt32BE(4);
  return frames.toString('utf8', 8, end) + payload(frames.subarray(end));
}

/** What a pull says, or the message of its failure. */
async function pull(engine: TestEngine, reference: string, authconfig?: object): Promise<string> {
  const docker = connect(engine);
  try {
    return await text(await docker.pull(reference, authconfig === undefined ? {} : { authconfig }));
  } catch (error) {
    return `failed: ${(error as Error).message}`;
  }
}

eachEngine('an engine', (engine) => {
  const { images, registry, privateRegistry } = engine;

  test('has a shell and its tools in busybox', async () => {
    const tools = 'sh cat sleep setsid sha256sum nc stty id mkfifo dd';
    const script = `for tool in ${tools}; do command -v $tool >/dev/null || echo "no $tool"; done; stat -c %a /tmp; env`;
    expect(await run(engine, images.busybox, ['sh', '-c', script])).toMatch(/^1777\n(.*\n)*PATH=\/bin\n/);
  });

  test('has one program and nothing else in scratch', async () => {
    expect(await run(engine, images.scratch, ['/busybox', 'echo', 'it runs'])).toBe('it runs\n');
    expect(await run(engine, images.scratch, ['/busybox', 'ls', '/'])).not.toMatch(/^(bin|tmp|usr)$/m);
  });

  test('has this Node in node', async () => {
    expect(await run(engine, images.node, ['sh', '-c', 'env node --version'])).toBe(`${process.version}\n`);
  });

  test('has an image with a will of its own', async () => {
    const said = await run(engine, images.entrypoint, ['sh', '-c', 'id -un; pwd; echo ~; echo $GREETING']);
    expect(said).toMatch(/^entrypoint: --flag sh -c .*\ntester\n\/srv\/work\n\/home\/tester\nhello world\n$/);
  });

  test.skipIf(registry === undefined)('pulls what it has not', async () => {
    const reference = `${registry}/companion/large:1`;
    expect(await pull(engine, reference)).toContain('Download complete');
    await connect(engine).getImage(reference).remove();
  });

  test.skipIf(privateRegistry === undefined)('pulls with a password what is private', async () => {
    const { user, password, reference } = privateRegistry!;
    expect(await pull(engine, reference)).toMatch(/no basic auth|unauthorized/);
    expect(await pull(engine, reference, { username: user, password: 'wrong' })).toContain('unauthorized');
    expect(await pull(engine, reference, { username: user, password })).not.toContain('error');
    await connect(engine).getImage(reference).remove();
  });
});

const engines = new URL('./engines/engines.mjs', import.meta.url).href;

// A program with engines and a container, which says so and waits to be killed.
const HOLDER = `
const { startEngines } = await import(process.argv[1]);
const { docker, podman } = await startEngines({ own: true, images: ['busybox'] });
console.log(JSON.stringify([docker, podman].filter(Boolean)));
setInterval(() => {}, 1e6);
`;

onEngine('docker', "engines of a test's own", ({ pid }) => {
  describe.skipIf(pid === undefined)('where this user may start them', () => {
    test('can be killed and started again, beside others', async () => {
      const own = await startEngines({ kinds: ['docker'], images: ['busybox'], own: true });
      const docker = own.docker!;
      expect(docker.pid).not.toBe(pid);
      const container = await connect(docker).createContainer({ Image: docker.images.busybox });
      await own.end('docker', 'SIGKILL');
      expect(docker.pid).toBeUndefined();
      await expect(connect(docker).ping()).rejects.toThrow();
      await own.start('docker');
      expect((await connect(docker).getContainer(container.id).inspect()).State.Status).toBe('created');
      await own.stop();
      expect(existsSync(new URL(docker.address).pathname)).toBe(false);
    });

    test('publish ports on a loopback of their own', async () => {
      const own = await startEngines({ kinds: ['docker'], images: ['busybox'], own: true });
      const container = await connect(own.docker!).createContainer({
        Image: own.docker!.images.busybox,
        Cmd: ['sh', '-c', 'echo it answers >/tmp/index.html; exec httpd -f -p 80 -h /tmp'],
        ExposedPorts: { '80/tcp': {} },
        HostConfig: { PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '18080' }] } },
      });
      await container.start();
      const ask = 'until busybox wget -qO- http://127.0.0.1:18080/; do sleep 0.05; done';
      expect((await own.run('sh', ['-c', ask])).stdout).toBe('it answers\n');
      await own.stop();
    });

    test('end with a test run that is killed, and leave no folder and no container', async () => {
      const holder = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, engines], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(holder.stdout.setEncoding('utf8'), 'data');
      const started: readonly TestEngine[] = JSON.parse(line);
      for (const engine of started) {
        const Cmd = ['sh', '-c', 'trap "" TERM; while :; do sleep 1000; done'];
        const container = await connect(engine).createContainer({ Image: engine.images.busybox, Cmd });
        await container.start();
      }
      const folder = dirname(dirname(new URL(started[0]!.address).pathname));
      expect(commandsWith(folder)).not.toEqual([]);
      const killedAt = performance.now();
      holder.kill('SIGKILL');
      // Who removes the folder names it, and is there for a moment longer.
      const left = (): boolean => existsSync(folder) || commandsWith(folder).length > 0;
      while (left() && performance.now() - killedAt < 10_000) await pause(20);
      expect(existsSync(folder)).toBe(false);
      expect(commandsWith(folder)).toEqual([]);
    });
  });
});

/** Command lines of running processes that name it. */
function commandsWith(name: string): readonly string[] {
  return readdirSync('/proc')
    .filter((one) => /^\d+$/.test(one))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it has ended meanwhile
      }
    })
    .filter((command) => command.includes(name));
}
