import { createReadStream } from 'node:fs';
import { ask } from './api.mjs';
import { archiveOf, LOADED_IMAGES, PRIVATE_REGISTRY, referenceOf } from './images.mjs';
import { CREDENTIALS } from './programs.mjs';

/** Loads those that an engine has not. Resolves with what removes these again. */
export async function loadImages(address, names, folder) {
  const absent = await Promise.all(
    names.map(async (name) => ((await isThere(address, referenceOf(name))) ? [] : [name])),
  );
  const loaded = absent.flat();
  await Promise.all(
    loaded.map(async (name) => {
      const headers = { 'content-type': 'application/x-tar' };
      const body = createReadStream(archiveOf(folder, name));
      const said = await ask(address, '/images/load?quiet=1', { method: 'POST', headers, body });
      // Podman says what went wrong in here.
      if (!(await isThere(address, referenceOf(name)))) throw new Error(`${name} is not loaded: ${said}`);
    }),
  );
  return async () => {
    await Promise.allSettled(
      loaded.map((name) => ask(address, `/images/${referenceOf(name)}?force=1`, { method: 'DELETE' })),
    );
  };
}

/** References of what is loaded. */
export function testImages() {
  return Object.fromEntries(LOADED_IMAGES.map((name) => [name, referenceOf(name)]));
}

export function privateRegistry() {
  return { host: PRIVATE_REGISTRY, ...CREDENTIALS, reference: referenceOf('private') };
}

/** Whether an engine that others have started is beside the registries of these tests. */
export async function hasRegistry(address) {
  try {
    const [name] = referenceOf('busybox').split(/:1$/);
    const said = await ask(address, `/images/create?fromImage=${name}&tag=1`, { method: 'POST' });
    return !said.includes('"error"');
  } catch {
    return false;
  }
}

function isThere(address, reference) {
  return ask(address, `/images/${reference}/json`).then(
    () => true,
    () => false,
  );
}
