import type { DockerOptions } from '../options.js';

/** In the order of their numbers: linux/capability.h. */
const NAMES = words(`
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
`);

/** What a container of Podman has by itself (containers.conf(5), default_capabilities). */
const PODMAN_DEFAULT = words(
  'CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT',
);
/** What one of Docker has (docs.docker.com, "Runtime privilege and Linux capabilities"). */
const DOCKER_DEFAULT = [...PODMAN_DEFAULT, 'MKNOD', 'NET_RAW', 'AUDIT_WRITE'];

/** To start programs as others, to limit them, to end them, and to give them a home. */
const SUPERVISOR_NEEDS = words('SETUID SETGID SETPCAP KILL CHOWN DAC_OVERRIDE FOWNER');

/** Of an engine's container. */
export interface ContainerCapabilities {
  readonly CapAdd: string[];
  readonly CapDrop: string[];
  /** What programs may have at most, for the supervisor; `undefined`: what the container has. */
  readonly mask: string | undefined;
}

/**
 * Dropped capabilities are dropped for programs: the supervisor keeps what it needs, or it could neither change users nor
 * end processes. Throws a `TypeError` for a name that no kernel knows.
 */
export function containerCapabilities(
  { capAdd = [], capDrop = [] }: Pick<DockerOptions, 'capAdd' | 'capDrop'>,
  kind: 'docker' | 'podman',
): ContainerCapabilities {
  const added = capAdd.map((one) => capability('capAdd', one));
  const dropped = capDrop.map((one) => capability('capDrop', one));
  if (dropped.length === 0) return { CapAdd: added, CapDrop: [], mask: undefined };
  const initial = kind === 'podman' ? PODMAN_DEFAULT : DOCKER_DEFAULT;
  // As the engines do it: ALL of one list is what the other makes exceptions from.
  const all = added.includes('ALL') ? NAMES : dropped.includes('ALL') ? [] : initial;
  const without = dropped.includes('ALL') ? [] : dropped;
  const wanted = new Set([
    ...all.filter((one) => !without.includes(one)),
    ...added.filter((one) => one !== 'ALL'),
  ]);
  const has = new Set([...wanted, ...SUPERVISOR_NEEDS]);
  return { CapAdd: [...has], CapDrop: ['ALL'], mask: maskOf(wanted) };
}

function capability(option: string, name: string): string {
  const known = name.toUpperCase().replace(/^CAP_/, '');
  if (known === 'ALL' || NAMES.includes(known)) return known;
  throw new TypeError(`backendOptions.docker.${option}: there is no capability ${name}`);
}

function maskOf(wanted: ReadonlySet<string>): string {
  let mask = 0n;
  for (const name of wanted) mask |= 1n << BigInt(NAMES.indexOf(name));
  return mask.toString(16);
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
