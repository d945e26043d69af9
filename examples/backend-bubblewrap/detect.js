import { execFile } from 'node:child_process';
import { supervisorBinary } from '@companion/supervisor';
import { NAMESPACES, toolEnvironment } from './sandbox-options.js';

/**
 * Makes an empty sandbox and sees whether that works: user namespaces are there on most systems, and forbidden on some.
 *
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<{ version: string } | { version?: undefined, reason: string, hint: string, cause?: unknown }>}
 */
export async function whyUnavailable(signal) {
  if (process.platform !== 'linux') {
    return { reason: 'bubblewrap is for Linux', hint: 'Use another backend on this system.' };
  }
  let supervisor;
  try {
    supervisor = supervisorBinary();
  } catch (cause) {
    return { reason: cause.message, hint: 'Use another backend on this machine.', cause };
  }
  const { error: missing, stdout } = await execute('bwrap', ['--version'], signal);
  if (missing?.code === 'ENOENT') {
    return { reason: 'bwrap is not installed', hint: 'On Debian: apt-get install bubblewrap' };
  }
  const sandbox = [...NAMESPACES, '--ro-bind', '/', '/', supervisor, '--version'];
  const { error, stderr } = await execute('bwrap', sandbox, signal);
  if (error === null) return { version: stdout.trim() };
  const hint = 'This system may forbid user namespaces: see sysctl user.max_user_namespaces, or AppArmor.';
  return { reason: stderr.trim().split('\n').at(-1) || error.message, hint, cause: error };
}

/** @returns {Promise<{ error: import('node:child_process').ExecFileException | null, stdout: string, stderr: string }>} */
function execute(file, args, signal) {
  return new Promise((resolve, reject) => {
    execFile(file, args, { env: toolEnvironment, signal, timeout: 4000 }, (error, stdout, stderr) => {
      if (signal?.aborted) reject(signal.reason);
      else resolve({ error, stdout, stderr });
    });
  });
}
