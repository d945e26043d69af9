import { cpSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createBackend, installPackages, newFolder, run } from './new-folder.js';

const EXAMPLE = fileURLToPath(new URL('../../../examples/custom-backend', import.meta.url));

/** The three methods that a new backend lacks, taken from the example; the rest stays as it was made. */
const FILLED_IN = `import { myBackend as made } from './made.js';
import { plainBackend } from './plain.js';

export const myBackend = {
  ...made,
  create: (request) => {
    const plain = plainBackend.create(request);
    return Object.assign(made.create(request), {
      spawn: (command, options) => plain.spawn(command, options),
      resolveBinary: (file, at) => plain.resolveBinary(file, at),
      stop: () => plain.stop(),
    });
  },
};
`;

test('with spawn(), resolveBinary() and stop() filled in, a new backend takes every step to the end', async () => {
  using folder = newFolder();
  await createBackend(folder.directory, 'my-backend');
  const made = join(folder.directory, 'my-backend');
  installPackages(made);
  renameSync(join(made, 'backend.js'), join(made, 'made.js'));
  cpSync(join(EXAMPLE, 'backend.js'), join(made, 'plain.js'));
  cpSync(join(EXAMPLE, 'find-program.js'), join(made, 'find-program.js'));
  writeFileSync(join(made, 'backend.js'), FILLED_IN);
  const { code, stdout, stderr } = await run(made, 'conformance.js');
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  const steps = [...stdout.matchAll(/^step (\d) of 8 .*: (\d+) passed, 0 failed/gm)];
  expect(steps.map(([, step]) => step)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  expect(steps.every(([, , passed]) => Number(passed) > 0)).toBe(true);
}, 300_000);
