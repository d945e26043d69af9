// Runs a command with engines of its own around it, which are gone afterwards:
//
//   node scripts/with-engines.mjs -- docker run 127.0.0.1:5000/companion/busybox:1 echo it runs
//
// It finds them by DOCKER_HOST, COMPANION_TEST_DOCKER and COMPANION_TEST_PODMAN. The ports that they publish are on a
// loopback of their own.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { startEngines } from '../packages/backend-docker/test/engines/engines.mjs';

const [first, ...rest] = process.argv.slice(2);
const [command, ...args] = first === '--' ? rest : [first, ...rest];
if (command === undefined) {
  console.error('Say what to run: node scripts/with-engines.mjs -- command [argument…]');
  process.exit(2);
}
const engines = await startEngines();
for (const sentence of engines.missing) console.error(`left out: ${sentence}`);
const { docker, podman } = engines;
const main = docker ?? podman;
process.exitCode = main === undefined ? 1 : await run({ ...process.env, ...variables() });
await engines.stop();

function variables() {
  return {
    DOCKER_HOST: main.address,
    ...(docker !== undefined && { COMPANION_TEST_DOCKER: docker.address }),
    ...(podman !== undefined && { COMPANION_TEST_PODMAN: podman.address }),
  };
}

/** The exit code, 128+n for a signal; signals sent to this process reach the command. */
async function run(env) {
  const child = spawn(command, args, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      console.error(error.message);
      resolve(127);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}
