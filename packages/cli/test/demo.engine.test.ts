// The examples as they are, in a container: a language server, a code generator and a formatter, by one companion.
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { start } from './companion-command.js';
import { eachEngine } from './each-engine.js';

const demo = fileURLToPath(new URL('../../../scripts/demo.mjs', import.meta.url));

eachEngine('npm run demo', (engine) => {
  test('does its three jobs in a container', { timeout: 120_000 }, async () => {
    const { code, stdout, stderr } = await start(process.execPath, [demo, '--image', engine.images.node], {
      env: { COMPANION_BACKEND: 'docker', DOCKER_HOST: engine.address },
      input: null,
    }).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.toString()).toMatch(/^All 3 jobs done in .*, in docker; nothing is left running\.$/m);
  });
});
