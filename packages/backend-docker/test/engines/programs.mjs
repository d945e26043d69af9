// How each server is started in a folder of its own: `{ program, args, env, settings: { file: content } }`.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PRIVATE_REGISTRY, REGISTRY } from './images.mjs';

// bcrypt of `s3cret`: what htpasswd(1) would write, which nobody has to install then
const ACCOUNT = 'alice:$2y$05$v2kpO3qI6GSF0y68zzG8w.msy09ydW6n5mHlRIy5aerKMDb6ASsg6\n';
export const CREDENTIALS = { user: 'alice', password: 's3cret' };

/** What has to be installed, with the Debian package that it is in. */
const NEEDED = {
  docker: { dockerd: 'docker.io', iptables: 'iptables', runc: 'runc' },
  podman: { podman: 'podman', conmon: 'conmon', iptables: 'iptables', runc: 'runc' },
  registry: { 'docker-registry': 'docker-registry' },
  namespaces: { unshare: 'util-linux', nsenter: 'util-linux', ip: 'iproute2' },
};

const PATH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter((one) => one !== '');

/** A path that holds servers, too. */
export const SERVER_PATH = PATH.join(delimiter);

/** Says what of the programs of `what` is missing, and what brings it; undefined when all are there. */
export function missingPrograms(...what) {
  const needed = Object.entries(Object.assign({}, ...what.map((name) => NEEDED[name])));
  const missing = needed.filter(([program]) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const names = missing.map(([program]) => program).join(', ');
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  return `there is no ${names}; on Debian: apt-get install --no-install-recommends ${packages}`;
}

function isInstalled(program) {
  return PATH.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

export function dockerd(folder) {
  const place = (name) => join(folder, name);
  return {
    program: 'dockerd',
    args: [
      ['--config-file', place('daemon.json')],
      ['--data-root', place('data')],
      ['--exec-root', place('exec')],
      ['--pidfile', place('pid')],
      ['--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ['--host', `unix://${place('docker.sock')}`],
    ].flat(),
    settings: { 'daemon.json': '{}' },
    socket: place('docker.sock'),
    // A killed one leaves its number here, which may be another's by now.
    stale: ['pid', 'docker.sock'].map(place),
  };
}

export function podman(folder) {
  const place = (name) => join(folder, name);
  return {
    program: 'podman',
    args: [
      ['--tmpdir', place('tmp')],
      ['--network-config-dir', place('networks')],
      ['system', 'service', '--time=0', `unix://${place('podman.sock')}`],
    ].flat(),
    env: {
      CONTAINERS_CONF: place('containers.conf'),
      CONTAINERS_REGISTRIES_CONF: place('registries.conf'),
      CONTAINERS_STORAGE_CONF: place('storage.conf'),
    },
    settings: {
      // The limits are what root may set where it has not all rights; runc knows hybrid control groups, crun does not.
      'containers.conf': `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`,
      'registries.conf': [REGISTRY, PRIVATE_REGISTRY]
        .map((location) => `[[registry]]\nlocation = "${location}"\ninsecure = true\n`)
        .join(''),
      'storage.conf': `[storage]\ngraphroot = "${place('root')}"\nrunroot = "${place('run')}"\n`,
      '.config/containers/policy.json': '{"default":[{"type":"insecureAcceptAnything"}]}',
    },
    socket: place('podman.sock'),
    stale: [place('podman.sock')],
  };
}

/** One for everybody, or one that wants a name and a password. */
export function registry(folder, kind) {
  const place = (name) => join(folder, name);
  const address = kind === 'private' ? PRIVATE_REGISTRY : REGISTRY;
  const auth = { htpasswd: { realm: 'tests', path: place('htpasswd') } };
  const settings = {
    version: '0.1',
    // `info` says when it listens.
    log: { level: 'info', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: place('storage') }, delete: { enabled: true } },
    http: { addr: address, secret: 'tests' },
    ...(kind === 'private' ? { auth } : {}),
  };
  return {
    program: 'docker-registry',
    args: ['serve', place('registry.yml')],
    settings: { 'registry.yml': JSON.stringify(settings), htpasswd: ACCOUNT },
    address,
  };
}
