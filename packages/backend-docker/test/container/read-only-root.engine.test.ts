import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions, say } from './companions.js';

eachEngine('a root that cannot be written to', (engine) => {
  const companions = new Companions(engine);

  for (const user of [{ uid: 1234, gid: 1234 }, 'host'] as const) {
    test(`programs of ${user === 'host' ? user : 'another user'} have a home, a name and /tmp`, async () => {
      const runner = await companions.start({ name: 'sealed', user }, { readOnlyRoot: true });
      expect(await say(runner, 'echo x > /file')).toMatch(/Read-only file system/);
      expect(await say(runner, 'echo home > "$HOME/file" && cat "$HOME/file"')).toBe('home');
      expect(await say(runner, 'echo temporary > /tmp/file && cat /tmp/file')).toBe('temporary');
      expect(await say(runner, 'echo source > file && cat file')).toBe('source');
      const name = await say(runner, 'id -un');
      expect(name).toMatch(/^[a-z]\w*$/);
      expect(await say(runner, 'echo ~')).toBe(await say(runner, 'echo $HOME'));
    });
  }

  test('files can be copied to where it can be written to', async () => {
    const runner = await companions.start(
      { name: 'sealed-copies', user: { uid: 1234, gid: 1234 } },
      { readOnlyRoot: true },
    );
    await runner.copyIn(import.meta.filename, '/workspace/copied.txt');
    expect(await say(runner, 'cat copied.txt')).toContain('read-only root');
    await runner.copyOut('/workspace/copied.txt', `${companions.sourceDir}/back.txt`);
    expect(await readFile(`${companions.sourceDir}/back.txt`, 'utf8')).toContain('eachEngine');
  });
});
