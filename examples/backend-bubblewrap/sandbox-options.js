import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { posix } from 'node:path';
import { supervisorBinary } from '@companion/supervisor';

/** @import { EnvironmentRequest } from '@companion/core/backend' */

/** For the tools of this backend, outside and inside: nothing that a caller or a workspace could have changed. */
export const toolEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

const isRoot = process.platform === 'linux' && process.getuid() === 0;

/** Root can do without a user namespace, and in one it would have a single user to give. */
export const NAMESPACES = [
  ...(isRoot ? [] : ['--unshare-user']),
  ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
];

/** What the supervisor may do when root starts it: make processes of other users. They get none of it. */
const CAPABILITIES = isRoot ? ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_KILL', 'CAP_CHOWN'] : [];

/** Where the supervisor is; no mount may be above it. */
const SUPERVISOR = '/.companion-supervisor';

/** The directories of a system's programs, each of which may be a link into /usr. */
const PROGRAMS = ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** What programs need of /etc: no passwords, keys or names of this machine. */
const SETTINGS = [
  ...[
    'alternatives',
    'ca-certificates.conf',
    'ld.so.cache',
    'ld.so.conf',
    'ld.so.conf.d',
    'localtime',
    'mime.types',
  ],
  ...['nsswitch.conf', 'perl', 'pki/tls/certs', 'protocols', 'services', 'ssl/certs', 'ssl/openssl.cnf'],
].map((name) => `/etc/${name}`);

/** Settings of this machine's kernel, which its root may change without any capability. */
const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`);
/** What the kernel tells of this machine's memory, keys and timers. */
const HIDDEN = ['kcore', 'keys', 'latency_stats', 'sched_debug', 'timer_list'].map((name) => `/proc/${name}`);

/** The user inside, who is the caller; who may have no name, as in many containers. */
export function account() {
  const [uid, gid] = [process.getuid(), process.getgid()];
  let username = 'companion';
  let listed = '';
  try {
    ({ username, homedir: listed } = userInfo());
  } catch {
    // no entry in the list of users
  }
  // Not that of a system's account: it is mounted over, and may hold programs.
  const home = listed === '/root' || /^\/home\/./.test(listed) ? listed : `/home/${username}`;
  return { uid, gid, username, home };
}

/** Files of /etc that are made for the sandbox: programs want a user to have a name, and this machine to have one. */
export function generatedFiles(user) {
  const { home, ...caller } = account();
  const users = [caller, { username: 'nobody', uid: 65534, gid: 65534 }];
  if (typeof user === 'object') users.unshift({ username: 'companion', ...user });
  const lines = (line) => users.map(line).join('');
  return {
    '/etc/passwd': lines(({ username, uid, gid }) => `${username}:x:${uid}:${gid}::${home}:/bin/sh\n`),
    '/etc/group': lines(({ username, gid }) => `${username}:x:${gid}:\n`),
    '/etc/hosts': '127.0.0.1 localhost companion\n::1 localhost\n',
  };
}

/** Programs of this machine, read-only; and nothing else of it. */
export function programOptions() {
  return PROGRAMS.flatMap((path) => {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return found.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
  });
}

/**
 * The options of bwrap(1) for a request, and the supervisor as the sandbox's first process.
 *
 * @param {EnvironmentRequest} request
 * @param {string | undefined} keptHome Host directory, where the home is to outlive the sandbox.
 * @param {number} stream Descriptor of the supervisor's stream; after it come the {@link generatedFiles}, one each.
 */
export function sandboxOptions({ sourceDir, workspaceDir, mounts, user }, keptHome, stream) {
  const { home } = account();
  const wanted = [{ hostPath: sourceDir, companionPath: workspaceDir, readOnly: false }, ...mounts];
  // What bwrap makes on the way would be for the caller alone.
  const open = (path) => ['--perms', '0755', '--dir', path];
  const shared = (path) => ['--perms', '1777', '--tmpfs', path];
  const ownHome = ['--perms', typeof user === 'object' ? '0777' : '0755', '--tmpfs', home];
  return [
    // With the thread that started it: also when that is killed, and with it everything inside.
    '--die-with-parent',
    ...NAMESPACES,
    ...['--as-pid-1', '--hostname', 'companion'],
    ...['--cap-drop', 'ALL', ...CAPABILITIES.flatMap((name) => ['--cap-add', name])],
    ...['/etc', '/run', '/var', ...SETTINGS, home].flatMap(parentsOf).flatMap(open),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...READ_ONLY.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', path, path]),
    ...HIDDEN.filter((path) => existsSync(path)).flatMap((path) => ['--ro-bind', '/dev/null', path]),
    ...programOptions(),
    ...SETTINGS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...Object.keys(generatedFiles(user)).flatMap((path, index) => {
      return ['--perms', '0644', '--ro-bind-data', `${stream + 1 + index}`, path];
    }),
    ...['/tmp', '/var/tmp', '/dev/shm'].flatMap(shared),
    ...(keptHome === undefined ? ownHome : ['--bind', keptHome, home]),
    // A directory before what is in it.
    ...wanted
      .toSorted((one, other) => one.companionPath.length - other.companionPath.length)
      .flatMap(({ hostPath, companionPath, readOnly }) => [
        ...parentsOf(companionPath).flatMap(open),
        ...[readOnly ? '--ro-bind' : '--bind', hostPath, companionPath],
      ]),
    // The last: nothing covers it.
    ...['--ro-bind', supervisorBinary(), SUPERVISOR],
    ...['--chdir', '/', '--clearenv', '--', SUPERVISOR, '--stream', `${stream}`],
  ];
}

/** All directories above a path, from below the root. */
function parentsOf(path) {
  const parent = posix.dirname(path);
  return parent === '/' ? [] : [...parentsOf(parent), parent];
}
