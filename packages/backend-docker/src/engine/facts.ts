import { stat } from 'node:fs/promises';
import { hostname, machine, release, totalmem } from 'node:os';
import { type Limit, notDelegated } from './delegated-limits.js';
import type { Endpoint } from './endpoint.js';
import { getObject } from './request.js';

/** What is to be known of an engine beside its version. */
export interface EngineFacts {
  /** As the engine says it: amd64, arm64. */
  readonly arch: string;
  /** Its root is not the machine's: files that root makes inside belong to the user who runs the engine. */
  readonly rootless: boolean;
  /** Bind mounts of this machine's paths show this machine's files. */
  readonly filesystemIsShared: boolean;
  /** What it cannot enforce, as far as it is known; whoever asks for more is told at the start. */
  readonly unenforced: readonly Limit[];
}

/** What both engines say of their kernel. */
const IN_INFO: readonly (readonly [Limit, key: string])[] = [
  ['memoryBytes', 'MemoryLimit'],
  ['cpus', 'CpuCfsQuota'],
  ['processes', 'PidsLimit'],
];

/**
 * Asks as little as possible: /info costs Docker 10 ms and Podman 400 (it runs every runtime there is), so nothing is
 * asked where the socket itself says it.
 */
export async function engineFacts(endpoint: Endpoint, signal: AbortSignal): Promise<EngineFacts> {
  return (await factsOfSocket(endpoint)) ?? (await factsOfInfo(endpoint, signal));
}

/** Undefined where the socket says too little. */
async function factsOfSocket({ transport }: Endpoint): Promise<EngineFacts | undefined> {
  // Elsewhere the engine runs in a virtual machine, whose architecture is another matter.
  if (process.platform !== 'linux' || transport.kind !== 'socket') return undefined;
  const { uid, dev } = await stat(transport.path);
  // Inside a container the socket may be that of the engine outside, whose files are others. One in the container's own
  // root filesystem was made in here: nobody mounts into that from outside without a device of its own.
  if ((await isContainer()) && dev !== (await stat('/')).dev) return undefined;
  const arch = goArchitecture(machine());
  if (uid === 0) return { arch, rootless: false, filesystemIsShared: true, unenforced: [] };
  // A rootless engine's socket is in the runtime directory of its user; elsewhere it may be one of root's engine that
  // somebody has given to a user, or that of a virtual machine.
  if (!transport.path.startsWith(`/run/user/${uid}/`)) return undefined;
  return { arch, rootless: true, filesystemIsShared: true, unenforced: await notDelegated(uid) };
}

async function isContainer(): Promise<boolean> {
  if (process.env.KUBERNETES_SERVICE_HOST) return true;
  const found = await Promise.allSettled(['/.dockerenv', '/run/.containerenv'].map((path) => stat(path)));
  return found.some(({ status }) => status === 'fulfilled');
}

async function factsOfInfo(endpoint: Endpoint, signal: AbortSignal): Promise<EngineFacts> {
  const info = await getObject(endpoint, '/info', signal);
  // A proxy that guards an engine mostly lets /version through, and not /info.
  const version = info === undefined ? await getObject(endpoint, '/version', signal) : undefined;
  const security = Array.isArray(info?.SecurityOptions) ? info.SecurityOptions : [];
  const rootless = security.includes('name=rootless') || info?.Rootless === true;
  // Podman says what its kernel could do for root.
  const isPowerless = rootless && info?.CgroupVersion === '1';
  return {
    arch: goArchitecture(String(info?.Architecture ?? version?.Arch ?? machine())),
    rootless,
    filesystemIsShared: await isShared(endpoint, info),
    unenforced: IN_INFO.flatMap(([limit, key]) => (isPowerless || info?.[key] === false ? [limit] : [])),
  };
}

/**
 * A socket is this machine's, or that of a virtual machine which shows this machine's files, except inside a container.
 * ssh goes to another machine. A port may lead anywhere, also through a tunnel on loopback: it counts as this machine's
 * only when the engine has this machine's name, kernel and memory. The wrong answer would be "shared" (files would be
 * missing without a word, while "not shared" costs a copy), hence so many.
 */
async function isShared(
  { transport }: Endpoint,
  info: Record<string, unknown> | undefined,
): Promise<boolean> {
  if (transport.kind === 'ssh') return false;
  if (transport.kind === 'socket' && !(process.platform === 'linux' && (await isContainer()))) return true;
  return info?.Name === hostname() && info.KernelVersion === release() && info.MemTotal === totalmem();
}

/** The engine says amd64 in one answer and x86_64 in another. */
function goArchitecture(name: string): string {
  return (
    { x86_64: 'amd64', aarch64: 'arm64', armv7l: 'arm', armv6l: 'arm', i686: '386', i386: '386' }[name] ??
    name
  );
}
