import { text } from 'node:stream/consumers';
import { checkedOptions, explain, Ssh, shellCommand } from './connection.js';
import { ASK } from './remote-scripts.js';
import { supervisorFor } from './supervisor-program.js';

/** Less than core gives. */
const PATIENCE_MS = 4500;

/**
 * Asks the machine what it is and what it lacks. Leaves nothing there.
 *
 * @param {unknown} options
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<{ detail: string, isRoot: boolean, reason?: undefined } | { reason: string, hint?: string, cause?: unknown }>}
 */
export async function askMachine(options, signal) {
  let connection;
  try {
    connection = checkedOptions(options);
  } catch (cause) {
    return { reason: cause.message, hint: 'Pass backendOptions: { ssh: { host: … } }.', cause };
  }
  const ssh = new Ssh(connection, shellCommand(ASK));
  const saying = ssh.stream.readable === null ? '' : text(ssh.stream.readable);
  const giveUp = () => void ssh.end(0);
  signal?.addEventListener('abort', giveUp);
  const ended = await ssh.end(PATIENCE_MS);
  signal?.removeEventListener('abort', giveUp);
  signal?.throwIfAborted();
  const said = await saying;
  const [, system, architecture, uid] = /^companion-machine (\S+) (\S+) (\d+)$/m.exec(said) ?? [];
  if (uid === undefined) return explain(ended, connection);
  const lacks = [...said.matchAll(/^companion-lacks (\S+)$/gm)].map(([, what]) => what);
  const { host } = connection;
  if (system !== 'Linux') return { reason: `${host} runs ${system}`, hint: 'Name a machine with Linux.' };
  try {
    supervisorFor(architecture);
  } catch (cause) {
    return { reason: `${host}: ${cause.message}`, hint: 'Name another machine.', cause };
  }
  const tools = lacks.filter((what) => what !== 'namespaces');
  if (tools.length > 0) {
    const hint = 'On Debian they are in coreutils, iproute2, mount, tar and util-linux.';
    return { reason: `${host} lacks ${tools.join(', ')}`, hint };
  }
  if (lacks.length > 0) {
    const hint = 'Its system may forbid user namespaces: see sysctl user.max_user_namespaces, or AppArmor.';
    return { reason: explain(ended, connection).reason, hint };
  }
  return { detail: `${host}: ${system} on ${architecture}`, isRoot: uid === '0' };
}
