// The programs that tests of backends and of the supervisor need on Linux, beyond Node: which of them this machine has,
// and how the others come here.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { reportCommand } from './check-report.mjs';

// `unless`: a variable that names an engine which runs, for the tests to use.
const ENGINES = [
  { purpose: 'backend bubblewrap', program: 'bwrap', debianPackages: ['bubblewrap'] },
  { purpose: 'backend ssh', program: 'ssh', debianPackages: ['openssh-client'] },
  { purpose: 'backend ssh', program: 'sshd', debianPackages: ['openssh-server'] },
  { purpose: 'backend ssh', program: 'ip', debianPackages: ['iproute2'] },
  {
    purpose: 'engine docker',
    program: 'dockerd',
    debianPackages: ['docker.io'],
    unless: 'COMPANION_TEST_DOCKER',
  },
  {
    purpose: 'engine podman',
    program: 'podman',
    debianPackages: ['podman', 'containernetworking-plugins'],
    unless: 'COMPANION_TEST_PODMAN',
  },
  { purpose: 'engine podman', program: 'runc', debianPackages: ['runc'], unless: 'COMPANION_TEST_PODMAN' },
  {
    purpose: 'engines docker and podman',
    program: 'iptables',
    debianPackages: ['iptables'],
    unless: 'COMPANION_TEST_DOCKER',
  },
  { purpose: 'images for engines', program: 'busybox', debianPackages: ['busybox-static'] },
  { purpose: 'a registry for engines', program: 'docker-registry', debianPackages: ['docker-registry'] },
  { purpose: 'backend nix', program: 'nix', debianPackages: ['nix-bin'] },
  {
    purpose: 'a supervisor for arm64 on x64',
    program: 'qemu-aarch64-static',
    debianPackages: ['qemu-user-static'],
  },
  {
    purpose: 'building the supervisor',
    program: 'musl-gcc',
    debianPackages: ['gcc', 'libc6-dev', 'musl-tools'],
  },
  {
    purpose: 'building the supervisor',
    program: 'aarch64-linux-gnu-gcc',
    debianPackages: ['gcc-aarch64-linux-gnu'],
  },
];

function isInstalled({ program }) {
  // Servers are where an ordinary user's PATH does not lead.
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** In CI, as root on Debian, nobody minds; on a person's machine they are that person's choice. */
function mayInstall() {
  return (
    process.env.CI === 'true' && process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0
  );
}

/** Installs what is missing, where that is nobody's business; the rest is told, with the command that brings it. */
export function prepareEngines() {
  if (process.platform !== 'linux') return [];
  const isNeeded = ({ unless }) => unless === undefined || !process.env[unless];
  const missing = ENGINES.filter((engine) => isNeeded(engine) && !isInstalled(engine));
  const packages = missing.flatMap(({ debianPackages }) => debianPackages);
  if (packages.length > 0 && mayInstall()) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const install = ['install', '--yes', '--quiet', '--no-install-recommends', ...packages];
    reportCommand('the lists of Debian packages are up to date', 'apt-get', ['update', '--quiet'], { env });
    reportCommand(`Debian packages install: ${packages.join(' ')}`, 'apt-get', install, { env });
  }
  return missing
    .filter((engine) => !isInstalled(engine))
    .map(({ purpose, program, debianPackages }) => {
      return `${purpose}: there is no ${program}; on Debian: apt-get install ${debianPackages.join(' ')}`;
    });
}
