// What is in the test images, made of programs of this machine: nothing comes from a network.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ENTRYPOINT = `#!/bin/sh
echo "entrypoint: $*"
shift
exec "$@"
`;

/** How `tar` writes the folder of a layer, without anything of the machine in it. */
const TAR = ['--sort=name', '--mtime=@0', '--numeric-owner'];

/** Each fills an empty folder with a layer's files; those of `owned` belong to user and group 1000. */
const LAYERS = {
  busybox(folder, { busybox }) {
    cpSync(busybox, add(folder, 'bin/busybox'));
    const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const name of names.filter((one) => one !== 'busybox')) {
      symlinkSync('busybox', join(folder, 'bin', name));
    }
    writeFileSync(add(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    writeFileSync(add(folder, 'etc/group'), 'root:x:0:\n');
    mkdirSync(join(folder, 'root'), { mode: 0o700 });
    mkdirSync(join(folder, 'tmp'));
    chmodSync(join(folder, 'tmp'), 0o1777);
  },
  scratch(folder, { busybox }) {
    cpSync(busybox, add(folder, 'busybox'));
  },
  node(folder) {
    addProgram(folder, process.execPath, 'usr/local/bin/node');
    // where `#!/usr/bin/env node` looks
    symlinkSync('../../bin/busybox', add(folder, 'usr/bin/env'));
  },
  tools(folder, { git, ssh, npm }) {
    addProgram(folder, git, 'usr/bin/git');
    // what a clone starts
    for (const name of ['git-upload-pack', 'git-receive-pack']) {
      symlinkSync('git', join(folder, 'usr/bin', name));
    }
    addProgram(folder, ssh, 'usr/bin/ssh');
    cpSync(npm, add(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', add(folder, 'usr/local/bin/npm'));
  },
  entrypoint(folder) {
    writeFileSync(add(folder, 'entrypoint'), ENTRYPOINT, { mode: 0o755 });
    writeFileSync(
      add(folder, 'etc/passwd'),
      'root:x:0:0:root:/root:/bin/sh\ntester:x:1000:1000:Tester:/home/tester:/bin/sh\n',
    );
    writeFileSync(join(folder, 'etc/group'), 'root:x:0:\ntester:x:1000:\n');
    mkdirSync(join(folder, 'home/tester'), { recursive: true });
    mkdirSync(join(folder, 'srv/work'), { recursive: true });
    return { owned: ['./home/tester', './srv/work'] };
  },
  private(folder) {
    writeFileSync(add(folder, 'etc/private'), 'needs a password\n');
  },
  ...Object.fromEntries(
    [1, 2, 3].map((part) => [
      `large-${part}`,
      (folder) => writeFileSync(add(folder, `large/${part}`), randomBytes(8 * 1024 * 1024)),
    ]),
  ),
};

/** Writes the layer as a tar file. */
export function writeLayer(name, { programs, folder, file }) {
  mkdirSync(folder, { recursive: true });
  const { owned = [] } = LAYERS[name](folder, programs) ?? {};
  const others = owned.map((path) => `--exclude=${path}`);
  execFileSync('tar', [...TAR, '--owner=0', '--group=0', ...others, '-C', folder, '-cf', file, '.']);
  if (owned.length > 0) {
    execFileSync('tar', [...TAR, '--owner=1000', '--group=1000', '-C', folder, '-rf', file, ...owned]);
  }
}

/** A program with the libraries that it is linked to. */
function addProgram(folder, program, place) {
  cpSync(program, add(folder, place), { dereference: true });
  const libraries = execFileSync('ldd', [program], { encoding: 'utf8' });
  // `name => /path (address)`, and the loader, which is only a path
  for (const [path] of libraries.matchAll(/\/\S+(?= \(0x)/g)) {
    cpSync(path, add(folder, path), { dereference: true });
  }
}

/** The path of a file in `folder`, whose own folder is there. */
function add(folder, path) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}
