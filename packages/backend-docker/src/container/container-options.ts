import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CompanionError } from '@companion/core';
import type { EnvironmentRequest } from '@companion/core/backend';
import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';
import { labelsOf } from '../leftovers/labels.js';
import type { DockerOptions, TmpfsOptions } from '../options.js';
import type { ContainerCapabilities } from './capabilities.js';
import { limitSettings } from './limits.js';
import { refuseTarget, SUPERVISOR } from './mounts.js';
import { extraHosts, firstNetwork, networkMode } from './networks.js';
import { portBindings } from './published-ports.js';

/** How long a kept environment waits for the next companion. */
const IDLE_SECONDS = 60 * 60;

export interface ContainerWish {
  readonly request: EnvironmentRequest;
  readonly options: DockerOptions;
  readonly engine: Engine;
  readonly image: Image;
  readonly capabilities: ContainerCapabilities;
  readonly mounts: readonly MountSettings[];
  readonly volumesFrom: readonly string[];
  /** In memory, where the root is read-only. */
  readonly home: string | undefined;
}

/**
 * A container that lives as long as the stream to its supervisor: without a terminal, without a log (which would write
 * the whole stream to the disk), and removed by the engine when it has ended.
 */
export async function containerOptions(wish: ContainerWish): Promise<ContainerCreateOptions> {
  const { request, options, image } = wish;
  const isKept = request.reuse !== false;
  const PortBindings = portBindings(options.publish);
  return {
    Image: image.id,
    User: '0:0',
    // A kept one only waits: whoever enters brings a supervisor of its own.
    Entrypoint: [SUPERVISOR, ...(isKept ? ['--idle', `${IDLE_SECONDS}`] : supervisorArguments(wish))],
    Cmd: [],
    // The directory of processes is their own matter: the engine would make this one.
    WorkingDir: '/',
    Tty: false,
    OpenStdin: !isKept,
    StdinOnce: !isKept,
    AttachStdin: !isKept,
    AttachStdout: !isKept,
    AttachStderr: !isKept,
    // The image's would run beside what the companion runs.
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGTERM',
    Labels: { ...options.labels, ...labelsOf(request) },
    ExposedPorts: Object.fromEntries(Object.keys(PortBindings).map((name) => [name, {}])),
    HostConfig: { ...(await hostConfig(wish)), PortBindings },
    ...firstNetwork(options),
  };
}

/** Of one that starts programs. */
export function supervisorArguments({
  capabilities: { mask },
  request: { limits },
}: Pick<ContainerWish, 'capabilities' | 'request'>): readonly string[] {
  return [
    ...(mask === undefined ? [] : ['--capabilities', mask]),
    // Where processes are counted, none may wait for the next program.
    ...(limits?.processes === undefined ? [] : ['--spares', '0']),
  ];
}

async function hostConfig(wish: ContainerWish): Promise<HostConfig> {
  const { request, options } = wish;
  const { CapAdd, CapDrop } = wish.capabilities;
  return {
    AutoRemove: true,
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    Init: false,
    Mounts: [...wish.mounts],
    VolumesFrom: [...wish.volumesFrom],
    NetworkMode: networkMode(options, request.network),
    ExtraHosts: await extraHosts(wish),
    ...limitSettings(request.limits),
    CapAdd,
    CapDrop,
    ReadonlyRootfs: options.readOnlyRoot ?? false,
    Tmpfs: tmpfs(options, wish.home),
    ...(options.shmBytes === undefined ? {} : { ShmSize: options.shmBytes }),
    SecurityOpt: await Promise.all((options.securityOptions ?? []).map((one) => securityOption(one, wish))),
    ...(options.gpus === undefined ? {} : { DeviceRequests: [gpus(options.gpus, wish)] }),
  };
}

function tmpfs(
  { tmpfs: wanted = [], readOnlyRoot }: DockerOptions,
  home: string | undefined,
): Record<string, string> {
  const each = wanted.map((one): TmpfsOptions => (typeof one === 'string' ? { path: one } : one));
  // Of two with the same path the later one counts.
  const own = readOnlyRoot ? ['/tmp', ...(home === undefined ? [] : [home])].map((path) => ({ path })) : [];
  return Object.fromEntries(
    [...own, ...each].map(({ path, sizeBytes }: TmpfsOptions) => {
      refuseTarget(path);
      // Programs may be started there, as anywhere else.
      return [path, `exec,mode=1777${sizeBytes === undefined ? '' : `,size=${sizeBytes}`}`];
    }),
  );
}

/** As the docker command does it: a profile is read here and handed over as its text. Podman wants the path. */
async function securityOption(option: string, { engine }: ContainerWish): Promise<string> {
  const [, path] = /^seccomp[=:](.+)$/.exec(option) ?? [];
  if (path === undefined || path === 'unconfined' || path.startsWith('{')) return option;
  try {
    const profile = await readFile(path, 'utf8');
    return `seccomp=${engine.kind === 'podman' ? resolve(path) : profile}`;
  } catch (cause) {
    throw new CompanionError('COMPANION_START_FAILED', `the seccomp profile ${path} cannot be read`, {
      hint: 'Pass the host path of a profile, or seccomp=unconfined.',
      cause,
    });
  }
}

function gpus(wanted: 'all' | number | readonly string[], { engine }: ContainerWish) {
  if (engine.kind === 'podman') {
    // It would take the request and give nothing.
    const message = "Podman's API does not give graphics processors to containers";
    const hint = 'Leave backendOptions.docker.gpus out, or use Docker.';
    throw new CompanionError('COMPANION_UNSUPPORTED', message, { hint });
  }
  const which =
    typeof wanted === 'object' ? { DeviceIDs: [...wanted] } : { Count: wanted === 'all' ? -1 : wanted };
  return { Driver: '', ...which, Capabilities: [['gpu']], Options: {} };
}
