import Dockerode from 'dockerode';
import type { ImageEngine } from '../../src/image/engine-call.js';
import type { TestEngine } from '../engines/engines.mjs';

/** The engine of a test as this part of the backend takes it. */
export function imageEngine({ kind, address }: TestEngine): ImageEngine {
  const docker = new Dockerode({ socketPath: address.replace(/^unix:\/\//, '') });
  return { docker, kind, arch: process.arch === 'arm64' ? 'arm64' : 'amd64', endpoint: { address } };
}

/** Gives an image another name. */
export async function tag({ docker }: ImageEngine, image: string, reference: string): Promise<void> {
  const colon = reference.lastIndexOf(':');
  await docker.getImage(image).tag({ repo: reference.slice(0, colon), tag: reference.slice(colon + 1) });
}

export async function remove({ docker }: ImageEngine, reference: string): Promise<void> {
  await docker
    .getImage(reference)
    .remove({ force: true })
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
}

/** Puts an image of the engine into the registry that its name tells, and removes it from the engine. */
export async function publish(engine: ImageEngine, reference: string): Promise<void> {
  const stream = await engine.docker
    .getImage(reference)
    .push({ authconfig: { username: 'a', password: 'b' } });
  let output = '';
  for await (const chunk of stream) output += chunk;
  if (/"error"/.test(output)) throw new Error(output);
  await remove(engine, reference);
}
