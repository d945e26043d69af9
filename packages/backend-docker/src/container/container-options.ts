import { readFile } from 'node:fs/promises';
import { CompanionError } from '@companion/core';
import type { EnvironmentRequest } from '@companion/core/backend';
import type { ContainerCreateOptions, HostConfig, MountSettings } from 'dockerode';
import type { Engine } from '../engine/engine.js';
import type { Image } from '../image/image.js';
import { labelsOf } from '../leftovers/labels.js';
import type { DockerOptions, NetworkOptions, PublishOptions, TmpfsOptions } from '../options.js';
import type { ContainerCapabilities } from './capabilities.js';
import { refuseTarget, SUPERVISOR } from './mounts.js';

/** Besides what is asked for, two run: the supervisor, and the keeper of the first program. */
const OWN_PROCESSES = 2;

/** How long a kept environment waits for the next companion. */
const IDLE_SECONDS = 60 * 60;

export interface ContainerWish {
  readonly request: EnvironmentRequest;
  readonly options: DockerOptions;
  readonly engine: Engine;
  readonly image: Image;
  readonly capabilities: ContainerCapabilities;
  readonly mounts: readonly MountSettings[];
}

/**
 * A container that lives as long as the stream to its supervisor: without a terminal, without a log (which would write
 * the whole stream to the disk), and removed by the engine when it has ended.
 */
export async function containerOptions(wish: ContainerWish): Promise<ContainerCreateOptions> {
  const { request, options, image } = wish;
  const isKept = request.reuse !== false;
  return {
    Image: image.id,
    User: '0:0',
    // A kept one only waits: whoever enters brings a supervisor of its own.
    Entrypoint: [
      SUPERVISOR,
      ...(isKept ? ['--idle', `${IDLE_SECONDS}`] : supervisorArguments(wish.capabilities)),
    ],
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
    ...exposed(options.publish),
    HostConfig: await hostConfig(wish),
    ...networks(options.networks, request.network),
  };
}

/** Of one that starts programs. */
export function supervisorArguments({ mask }: ContainerCapabilities): readonly string[] {
  return mask === undefined ? [] : ['--capabilities', mask];
}

async function hostConfig(wish: ContainerWish): Promise<HostConfig> {
  const { request, options } = wish;
  const { limits } = request;
  const { CapAdd, CapDrop } = wish.capabilities;
  return {
    AutoRemove: true,
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    Init: false,
    Mounts: [...wish.mounts],
    NetworkMode: networkMode(options, request.network),
    ...(request.network === 'none' ? {} : { ExtraHosts: extraHosts(options) }),
    ...(limits?.memoryBytes === undefined
      ? {}
      : // What does not fit must not go to the disk instead.
        { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
    ...(limits?.cpus === undefined ? {} : { NanoCpus: Math.round(limits.cpus * 1e9) }),
    ...(limits?.processes === undefined ? {} : { PidsLimit: limits.processes + OWN_PROCESSES }),
    CapAdd,
    CapDrop,
    ReadonlyRootfs: options.readOnlyRoot ?? false,
    Tmpfs: tmpfs(options),
    ...(options.shmBytes === undefined ? {} : { ShmSize: options.shmBytes }),
    SecurityOpt: await Promise.all((options.securityOptions ?? []).map(securityOption)),
    PortBindings: portBindings(options.publish),
    ...(options.gpus === undefined ? {} : { DeviceRequests: [gpus(options.gpus)] }),
  };
}

function networkMode({ networks }: DockerOptions, network: 'default' | 'none'): string {
  const [first] = networks ?? [];
  if (network === 'none') {
    if (first === undefined) return 'none';
    const message = 'it cannot have no network and backendOptions.docker.networks';
    throw new CompanionError('COMPANION_UNSUPPORTED', message, { hint: 'Leave one of them out.' });
  }
  return first === undefined ? 'default' : nameOf(first);
}

function networks(wanted: DockerOptions['networks'], network: 'default' | 'none') {
  if (wanted === undefined || wanted.length === 0 || network === 'none') return {};
  const settings = wanted.map((one) => {
    const { name, aliases = [] } = typeof one === 'string' ? { name: one } : one;
    return [name, { Aliases: [...aliases] }] satisfies [string, object];
  });
  return { NetworkingConfig: { EndpointsConfig: Object.fromEntries(settings) } };
}

function nameOf(network: string | NetworkOptions): string {
  return typeof network === 'string' ? network : network.name;
}

/** On Linux only Docker Desktop and Podman bring that name by themselves. */
function extraHosts({ extraHosts: wanted = {} }: DockerOptions): string[] {
  const hosts = { 'host.docker.internal': 'host-gateway', ...wanted };
  return Object.entries(hosts).map(([name, address]) => `${name}:${address}`);
}

function tmpfs({ tmpfs: wanted = [], readOnlyRoot }: DockerOptions): Record<string, string> {
  const each = wanted.map((one): TmpfsOptions => (typeof one === 'string' ? { path: one } : one));
  const own = readOnlyRoot && !each.some(({ path }) => path === '/tmp') ? [{ path: '/tmp' }] : [];
  return Object.fromEntries(
    [...own, ...each].map(({ path, sizeBytes }: TmpfsOptions) => {
      refuseTarget(path);
      // Programs may be started there, as anywhere else.
      return [path, `exec,mode=1777${sizeBytes === undefined ? '' : `,size=${sizeBytes}`}`];
    }),
  );
}

/** As the docker command does it: a profile is read here and handed over as its text. */
async function securityOption(option: string): Promise<string> {
  const [, path] = /^seccomp[=:](.+)$/.exec(option) ?? [];
  if (path === undefined || path === 'unconfined' || path.startsWith('{')) return option;
  try {
    return `seccomp=${await readFile(path, 'utf8')}`;
  } catch (cause) {
    throw new CompanionError('COMPANION_START_FAILED', `the seccomp profile ${path} cannot be read`, {
      hint: 'Pass the host path of a profile, or seccomp=unconfined.',
      cause,
    });
  }
}

function exposed(publish: readonly PublishOptions[] = []) {
  if (publish.length === 0) return {};
  return { ExposedPorts: Object.fromEntries(publish.map((port) => [portName(port), {}])) };
}

/** On loopback alone unless somebody says otherwise. */
function portBindings(
  publish: readonly PublishOptions[] = [],
): Record<string, { HostIp: string; HostPort: string }[]> {
  return Object.fromEntries(
    publish.map((port) => {
      const { hostPort, address = '127.0.0.1' } = port;
      return [portName(port), [{ HostIp: address, HostPort: hostPort === undefined ? '' : `${hostPort}` }]];
    }),
  );
}

export function portName({ companionPort, protocol = 'tcp' }: PublishOptions): string {
  return `${companionPort}/${protocol}`;
}

function gpus(wanted: 'all' | number | readonly string[]) {
  const which =
    typeof wanted === 'object' ? { DeviceIDs: [...wanted] } : { Count: wanted === 'all' ? -1 : wanted };
  return { Driver: '', ...which, Capabilities: [['gpu']], Options: {} };
}
