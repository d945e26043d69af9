import { figure } from './figure.mjs';

// The tests' own, which is no part of a package: by address, not as a dependency.
const fixture = new URL('../../packages/backend-docker/test/engines/engines.mjs', import.meta.url);

/**
 * A figure with a container engine: `--engine=podman`, docker unless said. Takes the one that `COMPANION_TEST_DOCKER` or
 * `COMPANION_TEST_PODMAN` names, else starts one of its own; without any it says why and measures nothing.
 */
export async function engineFigure(name, title, measure) {
  const word = process.argv.find((argument) => argument.startsWith('--engine='));
  const kind = word?.slice('--engine='.length) ?? 'docker';
  if (kind !== 'docker' && kind !== 'podman') throw new Error(`no engine is named ${kind}`);
  const { startEngines } = await import(fixture.href);
  const engines = await startEngines({ kinds: [kind], images: ['busybox'] });
  try {
    await figure(name, kind === 'docker' ? title : `${title} (Podman)`, async () => {
      const engine = engines[kind];
      if (engine === undefined) return { skipped: engines.absent[kind] };
      return await measure({ kind, address: engine.address, image: engine.images.busybox });
    });
  } finally {
    await engines.stop();
  }
}
