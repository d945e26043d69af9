// Environments that outlive their companions: `reuse`.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { dockerBackend } from '../../src/backend.js';
import { Companions, failureOf, say } from '../container/companions.js';
import { Door } from '../engines/door.js';
import { eachEngine } from '../engines/each-engine.js';

const packageFolder = join(import.meta.dirname, '../..');

/** Enters the environment of that name, says so, and stays with a process inside. */
const OWNER = `
import { startCompanion } from '@companion/core';
import { dockerBackend } from '@companion/backend-docker/backend';
const [image, host, name, sourceDir] = process.argv.slice(1);
const runner = await startCompanion({
  name, sourceDir, image, reuse: true, backends: [dockerBackend], backendOptions: { docker: { host } },
});
await runner.spawn('sh', ['-c', 'trap "" TERM; setsid sleep 4321 & sleep 4321']);
console.log(runner.environment.containerId);
await new Promise((resolve) => process.stdin.once('end', resolve).resume());
await runner.shutdown();
`;

eachEngine('kept environments', (engine) => {
  const doors: Door[] = [];
  // Before the companions, so that it comes after they have gone: through them.
  afterAll(() => {
    for (const door of doors) door.close();
  });
  const companions = new Companions(engine);
  afterEach(() => void vi.unstubAllEnvs());
  const enter = async (name: string): Promise<{ owner: ChildProcess; id: string }> => {
    const args = [engine.images.busybox, engine.address, name, companions.sourceDir];
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', OWNER, ...args], {
      cwd: packageFolder,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (owner.stdout === null) throw new Error('no output');
    for await (const line of createInterface(owner.stdout)) return { owner, id: line };
    throw new Error('it said nothing');
  };
  const sleeping = async (runner: Parameters<typeof say>[0]) =>
    Number(await say(runner, 'ps -o args | grep -c "[s]leep 4321"'));

  test('two programs that ask at once get the same one; one dies, the other goes on', {
    timeout: 90_000,
  }, async () => {
    const name = `raced-${engine.kind}`;
    const [one, other] = await Promise.all([enter(name), enter(name)]);
    expect(one.id).toBe(other.id);
    expect(await companions.containers(name)).toHaveLength(1);
    const here = await companions.start({ name, reuse: true });
    expect(await sleeping(here)).toBe(4);
    const died = once(one.owner, 'exit');
    one.owner.kill('SIGKILL');
    await died;
    for (const end = Date.now() + 5000; (await sleeping(here)) > 2 && Date.now() < end; ) await pause(50);
    expect(await sleeping(here)).toBe(2);
    const left = once(other.owner, 'exit');
    other.owner.stdin?.end();
    expect(await left).toEqual([0, null]);
    expect(await sleeping(here)).toBe(0);

    await here.run('sh', ['-c', 'echo kept > "$HOME/file"']);
    await here.shutdown();
    expect((await companions.containers(name)).map(({ State }) => State)).toEqual(['running']);
    const again = await companions.start({ name, reuse: true });
    expect(await say(again, 'cat "$HOME/file"')).toBe('kept');

    const seen = companions.events.length;
    const changed = await companions.start({ name, reuse: true, network: 'none' });
    expect(companions.events.slice(seen)).toContainEqual(
      expect.objectContaining({ type: 'notice', message: expect.stringContaining('another configuration') }),
    );
    expect(await companions.containers(name)).toHaveLength(2);
    await Promise.all([again, changed].map((runner) => runner.shutdown({ remove: true })));
    expect(await companions.containers(name)).toEqual([]);
  });

  test.each([
    ['finding it and asking for a way in', /^POST \S+\/containers\/\w+\/exec /],
    ['asking for a way in and taking it', /^POST \S+\/exec\/\w+\/start /],
  ])('one that ends between %s is made again', async (moment, asked) => {
    const name = `ended-${engine.kind}`;
    let found = '';
    const door = new Door(engine.address, {
      asked: async (chunk) => {
        if (found === '' || !asked.test(chunk.toString('latin1'))) return;
        const container = companions.docker.getContainer(found);
        found = '';
        await container.kill();
      },
    });
    doors.push(door);
    const host = await door.open({ path: join(companions.sourceDir, `${moment}.sock`) });
    const first = await companions.start({ name, reuse: true }, { host });
    const { Id } = await companions.inspect(name);
    await first.shutdown();
    found = Id;
    const second = await companions.start({ name, reuse: true }, { host });
    expect(found).toBe('');
    expect(await say(second, 'echo it runs')).toBe('it runs');
    expect((await companions.inspect(name)).Id).not.toBe(Id);
    await second.shutdown({ remove: true });
    expect(await companions.containers(name)).toEqual([]);
  });

  test('one that is entered after it was listed is not removed', async () => {
    const name = `listed-${engine.kind}`;
    await (await companions.start({ name, reuse: true })).shutdown();
    vi.stubEnv('DOCKER_HOST', engine.address);
    const list = async () => (await dockerBackend.existing?.({}))?.find((one) => one.name === name);
    let listed = await list();
    // Podman takes a moment to notice that a process has ended.
    for (const end = Date.now() + 5000; listed?.inUse && Date.now() < end; ) listed = await list();
    expect(listed).toMatchObject({ kept: true, inUse: false, state: 'running' });
    const runner = await companions.start({ name, reuse: true });
    expect(await failureOf(listed?.remove() ?? Promise.resolve())).toMatchObject({
      code: 'COMPANION_WRONG_STATE',
      message: expect.stringContaining('entered'),
    });
    expect(await say(runner, 'echo it runs')).toBe('it runs');
    await runner.shutdown();
    if (engine.kind === 'docker') {
      // Somebody who is on the way in.
      const container = companions.docker.getContainer((await companions.inspect(name)).Id);
      await container.exec({ Cmd: ['true'] });
      expect(await failureOf(listed?.remove() ?? Promise.resolve())).toMatchObject({
        code: 'COMPANION_WRONG_STATE',
      });
    }
    await runner.shutdown({ remove: true });
    expect(await companions.containers(name)).toEqual([]);
  });

  test('one that was made and not started is started by nobody else: it is made again', async () => {
    const name = `unborn-${engine.kind}`;
    const first = await companions.start({ name, reuse: true });
    const { Id, Name, Config } = await companions.inspect(name);
    await first.shutdown({ remove: true });
    // As its maker leaves it who is killed between making and starting.
    const owner = (Config.Labels['dev.companion.owner'] ?? '').split(' ');
    const Labels = { ...Config.Labels, 'dev.companion.owner': [...owner.slice(0, 3), '1'].join(' ') };
    await companions.docker.createContainer({ name: Name.slice(1), Image: engine.images.busybox, Labels });
    const second = await companions.start({ name, reuse: true });
    expect(await say(second, 'echo it runs')).toBe('it runs');
    expect((await companions.inspect(name)).Id).not.toBe(Id);
    await second.shutdown({ remove: true });
  });

  test("a container of somebody else's that has the name is left alone", async () => {
    const name = `foreign-${engine.kind}`;
    const first = await companions.start({ name, reuse: true });
    const { Name } = await companions.inspect(name);
    await first.shutdown({ remove: true });
    const foreign = await companions.docker.createContainer({
      name: Name.slice(1),
      Image: engine.images.busybox,
    });
    try {
      const second = await companions.create({ name, reuse: true });
      expect(await failureOf(second.init())).toMatchObject({
        code: 'COMPANION_START_FAILED',
        hint: expect.stringContaining('name'),
      });
      await failureOf(second.shutdown({ remove: true }));
      expect((await foreign.inspect()).State.Status).toBe('created');
    } finally {
      await foreign.remove();
    }
  });
});
