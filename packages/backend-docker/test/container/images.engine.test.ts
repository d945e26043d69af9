// What images bring, and what they lack.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CompanionRunner } from '@companion/core';
import { beforeAll, describe, expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

eachEngine('images', (engine) => {
  const companions = new Companions(engine);

  describe('with nothing but a program', () => {
    let runner: CompanionRunner;
    beforeAll(async () => {
      const image = engine.images.scratch;
      runner = await companions.start({ name: 'scratch', image, user: { uid: 1234, gid: 1234 } });
    });
    const shell = async (script: string) => (await runner.run('/busybox', ['sh', '-c', script])).stdout;

    test('runs it, with a name and a home', async () => {
      expect((await runner.run('/busybox', ['echo', 'it runs'])).stdout).toBe('it runs\n');
      expect(await shell('/busybox id -un; echo kept > "$HOME/file"; /busybox cat "$HOME/file"')).toBe(
        'companion\nkept\n',
      );
    });

    test('says what is not there', async () => {
      expect(await failureOf(runner.run('sh'))).toMatchObject({ code: 'COMPANION_COMMAND_NOT_FOUND' });
    });

    test('copies both ways', async () => {
      const file = join(companions.sourceDir, 'given');
      await writeFile(file, 'given');
      await runner.copyIn(file, '/made/on/the/way');
      expect((await runner.run('/busybox', ['cat', '/made/on/the/way'])).stdout).toBe('given');
      await runner.copyOut('/made', join(companions.sourceDir, 'back'));
      expect(await readFile(join(companions.sourceDir, 'back/on/the/way'), 'utf8')).toBe('given');
    });

    test('gives terminals', async () => {
      const terminal = runner.newProcess('/busybox', 'stty', 'size').withTty({ columns: 91, rows: 17 });
      await terminal.start();
      expect(await text(terminal.stdout)).toContain('17 91');
    });

    test('ends trees', async () => {
      const script = '/busybox setsid /busybox sleep 1000 & /busybox sleep 1000 & echo up; wait';
      const tree = await runner.spawn('/busybox', ['sh', '-c', script]);
      await runner.waitForLine(tree, 'up');
      await tree.stop({ graceMs: 0 });
      expect(await shell('/busybox ps -o args | /busybox grep -c "[s]leep" || true')).toBe('0\n');
    });

    test('finds needed programs by their paths', async () => {
      const needy = await companions.create({ name: 'needy', image: engine.images.scratch });
      needy.withBinary('/busybox').withBinary('no-such-tool');
      expect(String(await failureOf(needy.init()))).toMatch(/no-such-tool/);
    });
  });

  describe('with an entrypoint, a command, a user and a directory of their own', () => {
    const image = engine.images.entrypoint;

    test('run as they are', async () => {
      const runner = await companions.start({ name: 'main', image, user: 'image', pause: false });
      const lines: string[] = [];
      for await (const { line } of runner.logs({ follow: true })) {
        lines.push(line);
        if (lines.length === 2) break;
      }
      expect(lines[0]).toMatch(/^entrypoint: --flag sh -c/);
      expect(lines[1]).toMatch(/^command: tester in .*, hello world$/);
      expect(await say(runner, 'id -un; echo "$GREETING $HOME"')).toBe('tester\nhello world /home/tester');
      expect(runner.main?.isRunning()).toBe(true);
    });

    test.each([
      ['command', { command: ['echo', 'mine'] }, 'entrypoint: --flag echo mine\nmine\n'],
      ['entrypoint', { entrypoint: ['/bin/echo', 'bare'] }, 'bare\n'],
      ['both', { entrypoint: ['/bin/echo', 'all'], command: ['of', 'it'] }, 'all of it\n'],
    ])('%s is replaced as docker does it', async (_what, words, said) => {
      const runner = await companions.start({ name: 'main', image, user: 'image', pause: false, ...words });
      if (runner.main === undefined || runner.main === null) throw new Error('no main process');
      expect(await text(runner.main.stdout)).toBe(said);
      expect(await runner.main.wait()).toMatchObject({ code: 0 });
      await runner.shutdown();
    });

    test('idle: nothing of them runs', async () => {
      const runner = await companions.start({ name: 'idle', image });
      expect(await say(runner, 'ps -o args')).not.toMatch(/entrypoint|sleep/);
      expect((await companions.inspect('idle')).State.Status).toBe('running');
    });
  });

  test('a user that the image names and does not have is said in one sentence', async () => {
    const context = join(companions.sourceDir, 'context');
    await mkdir(context);
    await writeFile(join(context, 'Dockerfile'), `FROM ${engine.images.busybox}\nUSER nobody-here\n`);
    const failure = await failureOf(
      companions.start({ name: 'userless', user: 'image', image: { build: { context } } }),
    );
    expect(failure).toMatchObject({ code: 'COMPANION_START_FAILED', hint: expect.any(String) });
    expect(String(failure)).toContain('no user called nobody-here');
    expect(await companions.containers('userless')).toEqual([]);
  });

  test('another platform than there is', async () => {
    const image = { reference: engine.images.busybox, platform: 'linux/s390x', pull: 'never' as const };
    const failure = await failureOf(companions.start({ name: 'foreign', image }));
    expect(failure).toMatchObject({ code: 'COMPANION_IMAGE_UNAVAILABLE', hint: expect.any(String) });
  });
});
