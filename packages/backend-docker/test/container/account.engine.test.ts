import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eachEngine } from '../engines/each-engine.js';
import { Companions } from './companions.js';

eachEngine('a user who cannot be given a name', (engine) => {
  const companions = new Companions(engine);

  test('runs all the same, and a notice says what is missing', async () => {
    const passwd = join(companions.sourceDir, 'passwd');
    await writeFile(passwd, 'root:x:0:0:root:/root:/bin/sh\n');
    const runner = await companions.start({
      name: 'nameless',
      user: { uid: 4321, gid: 4321 },
      mounts: [{ hostPath: passwd, companionPath: '/etc/passwd', readOnly: true }],
    });
    expect((await runner.run('id', ['-u'])).stdout).toBe('4321\n');
    const notices = companions.events.filter((event) => event.type === 'notice');
    expect(notices).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/4321.*\/etc\/passwd|\/etc\/passwd.*4321/) }),
    );
  });
});
