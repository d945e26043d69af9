import { setTimeout as sleep } from 'node:timers/promises';
import { CompanionError } from '@companion/core';
import type { Abortable, EnvironmentRequest } from '@companion/core/backend';
import type Dockerode from 'dockerode';
import { connectEngine } from '../engine/engine.js';
import { containerIsGone, engineWords } from '../engine/engine-error.js';
import { findEngine } from '../engine/find-engine.js';
import { companionsOn } from '../leftovers/companions.js';
import { FINGERPRINT_LABEL, ownerOf } from '../leftovers/labels.js';
import { stateOf } from '../leftovers/owner.js';
import type { DockerOptions } from '../options.js';
import { startExec } from './attach.js';
import { type Container, createContainer, placesOf, prepareContainer, type Wish } from './container.js';
import { containerOptions, supervisorArguments } from './container-options.js';
import { ContainerMounts, SUPERVISOR } from './mounts.js';
import { removeContainer } from './remove-container.js';
import { openSession } from './session.js';
import { startFailure } from './start-failure.js';

const POLL_MS = 20;
/** For another process that has made the container and not started it yet. */
const PATIENCE_MS = 30_000;
/** For an engine to notice that a container has ended whose way in it has refused. */
const NOTICE_MS = 1000;
const CONFLICT = 409;
const NOT_MODIFIED = 304;
const REUSED = { reason: 'the name and the configuration are the same' };

/**
 * The container of that name and configuration, found or made. Its name is the lock between processes: engines give a
 * name to one container only. Its first process waits for the next companion; each brings a supervisor of its own, whose
 * stream is what keeps what the companion starts, and nothing else.
 */
export async function enterKeptContainer(wish: Wish, { signal }: Abortable): Promise<Container> {
  const { engine } = wish;
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    signal?.throwIfAborted();
    const found = await find(wish);
    if (found?.state === 'running') {
      try {
        return await enter(wish, found.handle, REUSED, { signal });
      } catch (error) {
        if (signal?.aborted || Date.now() > deadline || !(await hasEnded(found.handle))) throw error;
        continue;
      }
    }
    if (found === undefined) {
      const made = await make(wish, { signal });
      if (made !== undefined) return await enter(wish, made, undefined, { signal });
      // An engine gives a name away before it shows who has it.
      await sleep(POLL_MS);
    } else if (found.isAbandoned || Date.now() > deadline) {
      await removeContainer(engine, found.handle);
    } else {
      await sleep(POLL_MS);
    }
  }
}

/** What an earlier companion has kept. */
export async function removeKeptContainer(
  request: EnvironmentRequest,
  options: DockerOptions,
): Promise<void> {
  const answer = await findEngine(options);
  if (!answer.available) {
    throw new CompanionError('COMPANION_SHUTDOWN_FAILED', answer.reason, {
      hint: answer.hint,
      cause: answer.cause,
    });
  }
  const engine = await connectEngine(answer);
  const found = await find({ engine, request });
  if (found !== undefined) await removeContainer(engine, found.handle);
}

function keptName({ name, reuse }: EnvironmentRequest): string {
  return `companion-${name}-kept-${reuse === false ? '' : reuse.fingerprint.slice(0, 16)}`;
}

async function find({ engine, request }: Pick<Wish, 'engine' | 'request'>) {
  const handle = engine.docker.getContainer(keptName(request));
  const found = await handle.inspect().catch((error: unknown) => {
    if (containerIsGone(error)) return undefined;
    throw startFailure(engine, error);
  });
  if (found === undefined) return undefined;
  const labels = found.Config.Labels ?? {};
  if (request.reuse === false || labels[FINGERPRINT_LABEL] !== request.reuse.fingerprint) {
    const message = `the container ${keptName(request)} is not a companion's, and has the name of one`;
    throw new CompanionError('COMPANION_START_FAILED', message, {
      hint: 'Give this companion another name, or remove that container.',
    });
  }
  const owner = ownerOf(labels);
  const { Status: state } = found.State;
  const isStarting = ['created', 'configured', 'initialized'].includes(state);
  return {
    // By its id: another one may get the name.
    handle: engine.docker.getContainer(found.Id),
    state,
    isAbandoned: !isStarting || (owner !== undefined && stateOf(owner) === 'gone'),
  };
}

/** Its idle time may have ended since it was found. */
async function hasEnded(handle: Dockerode.Container): Promise<boolean> {
  for (const deadline = Date.now() + NOTICE_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    try {
      if ((await handle.inspect()).State.Status !== 'running') return true;
    } catch (error) {
      return containerIsGone(error);
    }
  }
  return false;
}

/** `undefined` when another process was faster. */
async function make(wish: Wish, { signal }: Abortable): Promise<Dockerode.Container | undefined> {
  const { request } = wish;
  await tellWhyNotReused(wish);
  const places = await placesOf(wish);
  const mounts = await ContainerMounts.open({ ...wish, ...places });
  try {
    const options = await containerOptions({ ...wish, ...mounts.wish });
    return await makeOnce(wish, { ...options, name: keptName(request) }, { signal });
  } finally {
    await mounts.close();
  }
}

async function makeOnce(
  wish: Wish,
  options: Dockerode.ContainerCreateOptions,
  { signal }: Abortable,
): Promise<Dockerode.Container | undefined> {
  const { engine } = wish;
  const handle = await createContainer(engine, options, { signal }).catch((error: CompanionError) => {
    if (isNameTaken(error)) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    await prepareContainer(wish, handle);
    await handle
      .start(signal === undefined ? {} : { abortSignal: signal })
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode !== NOT_MODIFIED) throw error;
      });
    return handle;
  } catch (error) {
    await removeContainer(engine, handle).catch(() => {});
    signal?.throwIfAborted();
    throw startFailure(engine, error);
  }
}

/** Podman has two places that know names, and calls it an error of its own when the second one refuses. */
function isNameTaken({ cause }: CompanionError): boolean {
  const { statusCode } = (cause ?? {}) as { statusCode?: number };
  return statusCode === CONFLICT || /\bname\b.*\balready in use\b/i.test(engineWords(cause));
}

async function tellWhyNotReused({ engine, request }: Wish): Promise<void> {
  const others = (await companionsOn(engine)).filter(({ name, isKept }) => isKept && name === request.name);
  if (others.length === 0) return;
  request.emit({
    topic: 'environment',
    type: 'notice',
    message: `The environment that is kept as ${request.name} has another configuration: a new one is made.`,
  });
}

async function enter(
  wish: Wish,
  handle: Dockerode.Container,
  reused: Container['reused'],
  { signal }: Abortable,
): Promise<Container> {
  const { engine } = wish;
  try {
    const places = await placesOf(wish);
    const exec = await handle.exec({
      Cmd: [SUPERVISOR, ...supervisorArguments(wish)],
      User: '0:0',
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: false,
    });
    const stream = await startExec(engine, exec.id, { signal });
    const supervisor = await openSession(stream, places.sockets, { signal });
    return {
      handle,
      supervisor,
      ...(reused === undefined ? {} : { reused }),
      end: async ({ remove }) => {
        await supervisor.close();
        if (remove) await removeContainer(engine, handle);
      },
    };
  } catch (error) {
    if (reused === undefined) await removeContainer(engine, handle).catch(() => {});
    signal?.throwIfAborted();
    throw startFailure(engine, error);
  }
}
