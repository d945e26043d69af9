import { randomBytes } from 'node:crypto';
import type { Abortable } from '@companion/core/backend';
import { type Supervisor, supervisorBinary } from '@companion/supervisor';
import type Dockerode from 'dockerode';
import type { Engine } from '../engine/engine.js';
import { supervisorArchitecture } from '../image/platform.js';
import { attachContainer } from './attach.js';
import { type ContainerWish, containerOptions } from './container-options.js';
import { checkLimits } from './limits.js';
import { ContainerMounts } from './mounts.js';
import { connectOtherNetworks } from './networks.js';
import { removeContainer, vanishes } from './remove-container.js';
import { openSession } from './session.js';
import { socketDirectory } from './sockets.js';
import { startFailure } from './start-failure.js';
import { uploadSupervisor } from './upload.js';

/** Far more than an engine takes to remove what has ended. */
const VANISH_MS = 3000;

export type Wish = Omit<ContainerWish, 'mounts' | 'volumesFrom' | 'home'>;

/** A container and the session with its supervisor. */
export interface Container {
  readonly handle: Dockerode.Container;
  readonly supervisor: Supervisor;
  /** Found and not made: why. */
  readonly reused?: { readonly reason: string };
  /** Resolves once nothing is left of it; of a kept one without `remove`, once this companion has left it. */
  end(options: { readonly remove: boolean }): Promise<void>;
}

/** What the engine needs of this machine. */
export async function placesOf({ engine, image }: Pick<Wish, 'engine' | 'image'>) {
  const program = supervisorBinary(supervisorArchitecture(image));
  return engine.filesystemIsShared
    ? { supervisor: program, sockets: await socketDirectory() }
    : { supervisor: undefined, sockets: undefined };
}

/**
 * A container that dies with this process: its first process is the supervisor, and the attached stream is all that keeps
 * it. Rejecting or aborting leaves nothing behind.
 */
export async function startContainer(wish: Wish, { signal }: Abortable): Promise<Container> {
  const { engine, request } = wish;
  const places = await placesOf(wish);
  const mounts = await ContainerMounts.open({ ...wish, ...places });
  try {
    const options = await containerOptions({ ...wish, ...mounts.wish });
    const name = `companion-${request.name}-${request.id.slice(0, 6)}${randomBytes(3).toString('hex')}`;
    const handle = await createContainer(engine, { ...options, name }, { signal });
    try {
      await prepareContainer(wish, handle);
      signal?.throwIfAborted();
      const supervisor = await startSession(engine, handle, places.sockets, { signal });
      return { handle, supervisor, end: () => endContainer(engine, handle, supervisor) };
    } catch (error) {
      await removeContainer(engine, handle).catch(() => {});
      signal?.throwIfAborted();
      throw startFailure(engine, error);
    }
  } finally {
    await mounts.close();
  }
}

/** What is done between creating a container and starting it. */
export async function prepareContainer(wish: Wish, handle: Dockerode.Container): Promise<void> {
  const { engine, image, options, request } = wish;
  await checkLimits(handle, request.limits);
  await connectOtherNetworks(engine, handle, options);
  if (!engine.filesystemIsShared) await uploadSupervisor(handle, image);
}

async function startSession(
  engine: Engine,
  handle: Dockerode.Container,
  sockets: string | undefined,
  { signal }: Abortable,
): Promise<Supervisor> {
  // Before it is started: not a byte is lost, and no moment in which nobody holds it.
  const stream = await attachContainer(engine, handle.id, { signal });
  const started = handle.start(signal === undefined ? {} : { abortSignal: signal });
  try {
    const [supervisor] = await Promise.all([openSession(stream, sockets, { signal }), started]);
    return supervisor;
  } catch (error) {
    stream.destroy();
    // The engine knows why it could not be started; the stream only ends.
    await started;
    throw error;
  }
}

async function endContainer(
  engine: Engine,
  handle: Dockerode.Container,
  supervisor: Supervisor,
): Promise<void> {
  // Without its lease it ends, and the engine removes it: half of what it costs to ask the engine for both.
  await supervisor.close();
  if (!(await vanishes(handle, VANISH_MS))) await removeContainer(engine, handle);
}

/** An engine finishes what it has begun: what comes too late is removed then. */
export async function createContainer(
  engine: Engine,
  options: Dockerode.ContainerCreateOptions,
  { signal }: Abortable,
): Promise<Dockerode.Container> {
  signal?.throwIfAborted();
  const created = engine.docker.createContainer(options);
  let abort = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal?.reason);
  });
  signal?.addEventListener('abort', abort);
  try {
    return await Promise.race([created, aborted]);
  } catch (error) {
    if (signal?.aborted) created.then((late) => removeContainer(engine, late)).catch(() => {});
    throw signal?.aborted ? error : startFailure(engine, error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
