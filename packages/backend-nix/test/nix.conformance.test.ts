import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { conformance } from '@companion/testkit/vitest';
import { afterAll } from 'vitest';
import { configuredBackend } from './engines/configured-backend.mjs';
import { makeFlake, shellFlake } from './engines/flakes.js';
import { missingNix, startNix } from './engines/nix.mjs';
import { leaveOut } from './engines/on-nix.js';

const missing = missingNix();
if (missing !== undefined) leaveOut(`conformance of nix [${missing}]`);
else {
  const nix = await startNix();
  // A hook, so that the kit runs what most shells have.
  const flake = await makeFlake(shellFlake('shellHook = "export ENTERED=yes";'), { git: true });
  // Also for the second program of the cases about the owner's death. HOME and PATH stay what they are.
  const { HOME: _home, PATH: _path, TMPDIR: _temporary, ...settings } = nix.env;
  Object.assign(process.env, settings, {
    COMPANION_TEST_FLAKE: flake.directory,
    COMPANION_TEST_NIX_CACHE: join(nix.directory, 'cache'),
  });
  afterAll(async () => {
    await flake[Symbol.asyncDispose]();
    await nix.stop();
  });
  await conformance({
    backend: configuredBackend,
    required: true,
    module: `${fileURLToPath(new URL('engines/configured-backend.mjs', import.meta.url))}#configuredBackend`,
  });
}
