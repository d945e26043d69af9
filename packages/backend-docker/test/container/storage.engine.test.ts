// Places inside that are not of the image: in memory, and kept from one companion to the next.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, failureOf, say } from './companions.js';

const MEBIBYTE = 1024 * 1024;

eachEngine('places inside', (engine) => {
  const companions = new Companions(engine);
  const volume = `companion-test-${process.pid}`;
  afterAll(async () => await companions.docker.getVolume(volume).remove({ force: true }));

  test('directories in memory, of a size', async () => {
    const runner = await companions.start(
      { name: 'memory', user: { uid: 1234, gid: 1234 } },
      { tmpfs: ['/fast', { path: '/small', sizeBytes: MEBIBYTE }], shmBytes: 2 * MEBIBYTE },
    );
    expect(await say(runner, 'echo "echo it runs" > /fast/tool; chmod +x /fast/tool; /fast/tool')).toBe(
      'it runs',
    );
    expect(await say(runner, 'dd if=/dev/zero of=/small/file bs=1M count=2 2>&1')).toContain('No space left');
    expect(await say(runner, 'dd if=/dev/zero of=/dev/shm/file bs=1M count=3 2>&1')).toContain(
      'No space left',
    );
    expect(await say(runner, 'wc -c < /dev/shm/file')).toBe(String(2 * MEBIBYTE));
  });

  test('a file that is copied into memory arrives, or says that it cannot', async () => {
    const runner = await companions.start({ name: 'copied-to-memory' }, { tmpfs: ['/fast'] });
    const file = join(companions.sourceDir, 'given');
    await writeFile(file, 'given');
    const failure = await runner.copyIn(file, '/fast/deep/given').then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) expect(await say(runner, 'cat /fast/deep/given')).toBe('given');
    else expect(failure).toMatchObject({ code: 'COMPANION_UNSUPPORTED', hint: expect.any(String) });
    await say(runner, 'echo made > /fast/made');
    const back = join(companions.sourceDir, 'back');
    if (failure === undefined) await runner.copyOut('/fast/made', back);
    else
      expect(await failureOf(runner.copyOut('/fast/made', back))).toMatchObject({
        code: 'COMPANION_UNSUPPORTED',
      });
  });

  for (const readOnlyRoot of [false, true]) {
    test(`caches outlive a companion${readOnlyRoot ? ' with a read-only root' : ''}`, async () => {
      const options = { name: 'caching', user: { uid: 1234, gid: 1234 } };
      const caches = { '/var/cache/tool': volume };
      const first = await companions.start(options, { caches, readOnlyRoot });
      await first.run('sh', ['-c', 'echo cached > /var/cache/tool/file; mkdir -p /var/cache/tool/deep']);
      await first.shutdown();
      const second = await companions.start(options, { caches, readOnlyRoot });
      expect(
        await say(second, 'cat /var/cache/tool/file; touch /var/cache/tool/deep/more && echo more'),
      ).toBe('cached\nmore');
      await second.shutdown();
    });
  }
});
