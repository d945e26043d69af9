// A place for engines that is not the machine's: a network, mounts and processes of their own. It lasts as long as this
// process, however that ends, and takes everything that was started in it along.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SERVER_PATH } from './programs.mjs';

/** Where engines keep more than in the folder that they are told: nothing of the machine's is seen, or changed. */
const HIDDEN = [
  '/dev/shm',
  '/run/containerd',
  '/run/containers',
  '/run/crun',
  '/run/docker',
  '/run/libpod',
  '/run/podman',
  '/run/runc',
];

/** The same, which they would make. */
const MADE = ['/run/netns', '/var/lib/cni', '/var/lib/containers'];

// The first process inside: the others end with it. It ends when its input does, which is held by this process. Whatever
// is orphaned inside becomes its child: a shell that waits takes its status, and nothing is a zombie.
const FIRST = `
set -e
read -r pid _ </proc/self/stat
mount -t proc proc /proc
mkdir -p ${MADE.join(' ')}
for folder in ${[...MADE, ...HIDDEN].join(' ')}; do
  [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder"
done
ip link set lo up
echo "$pid"
cat >/dev/null
exit # not as the last command, which a shell becomes
`;

// Around it, so that somebody is there to tidy up after a killed test run: control groups of containers and the folder.
const AROUND = `
unshare --net --mount --pid --fork --kill-child -- sh -c "$2"
for container in "$1"/docker/data/containers/* "$1"/podman/root/*-containers/*; do
  id=\${container##*/}
  [ "\${#id}" -ne 64 ] || find /sys/fs/cgroup -depth -type d -name "*$id*" -exec rmdir {} + 2>/dev/null
done
rm -rf "$1"
`;

/** @returns once the namespaces are there; `folder` is removed with them. Rejects where this user may not. */
export async function openNamespaces(folder) {
  // A session of its own: Ctrl-C is for the test runner, which then lets go.
  const around = spawn('sh', ['-c', AROUND, 'engines', folder, FIRST], {
    stdio: 'pipe',
    detached: true,
    env: { ...process.env, PATH: SERVER_PATH },
  });
  let complaint = '';
  around.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text;
  });
  const closed = once(around, 'close');
  const answer = await Promise.race([
    once(around.stdout.setEncoding('utf8'), 'data'),
    closed.then(() => {
      throw new Error(`no namespaces for the engines: ${complaint.trim()}`);
    }),
  ]);
  const pid = Number(answer[0]);
  for (const one of [around, around.stdin, around.stdout, around.stderr]) one.unref();
  return {
    /** What runs a command inside. */
    enter: (command, args) => [
      'nsenter',
      ['--target', String(pid), '--net', '--mount', '--pid', '--', command, ...args],
    ],
    /** Ends everything inside; resolves when it is gone. */
    async close() {
      around.ref();
      around.stdin.end();
      await closed;
    },
  };
}
