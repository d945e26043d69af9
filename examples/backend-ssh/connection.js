import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * @typedef {object} SshOptions `backendOptions.ssh`
 * @property {string} host A name, an address, or what the user's ssh_config(5) calls it.
 * @property {number} [port]
 * @property {string} [user]
 * @property {string} [identityFile]
 * @property {readonly string[]} [options] Each as after `-o`: `ProxyJump=gate`.
 */

/** For a machine that does not answer at all. */
const CONNECT_SECONDS = 4;

/** Of options: what is expected, and whether a value is that. No value may be taken for an option of ssh(1). */
const EXPECTED = {
  host: ['a name or an address', (value) => isText(value) && /^[\w.:[][\w.:[\]%-]*$/.test(value)],
  port: ['a port from 1 to 65535', (value) => Number.isInteger(value) && value >= 1 && value <= 65_535],
  user: ['the name of a user', (value) => isText(value) && /^[\w.][\w.@+$-]*$/.test(value)],
  identityFile: ['the path of a file', isText],
  options: [
    'a list of texts such as ProxyJump=gate',
    (value) => Array.isArray(value) && value.every((one) => isText(one) && /^[A-Za-z]/.test(one)),
  ],
};

/**
 * Checks what the caller has given.
 *
 * @param {unknown} options
 * @returns {SshOptions}
 */
export function checkedOptions(options) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`backendOptions.ssh: expected { host: … }, got ${shown(options)}`);
  }
  for (const [name, value] of Object.entries({ host: undefined, ...options })) {
    const [expected, isRight] = EXPECTED[name] ?? [];
    if (isRight === undefined) {
      throw new TypeError(
        `backendOptions.ssh: expected ${Object.keys(EXPECTED).join(', ')}, got the option ${name}`,
      );
    }
    if (isRight(value) || (value === undefined && name !== 'host')) continue;
    throw new TypeError(`backendOptions.ssh.${name}: expected ${expected}, got ${shown(value)}`);
  }
  return options;
}

/** A process of ssh(1) that runs one command on the machine. */
export class Ssh {
  /** Resolves with the code and what was said on the error output, once it has ended. */
  ended;
  #child;

  /**
   * @param {SshOptions} connection
   * @param {string} command For the login shell there.
   */
  constructor({ host, port, user, identityFile, options = [] }, command) {
    const args = [
      ...['-T', '-a', '-x'],
      // The caller's own connection settings are kept; what would get into the stream's way is not.
      ...['BatchMode=yes', 'RemoteCommand=none', 'ClearAllForwardings=yes', 'PermitLocalCommand=no'],
      ...[...options, `ConnectTimeout=${CONNECT_SECONDS}`],
    ].flatMap((one) => (one.startsWith('-') ? [one] : ['-o', one]));
    if (port !== undefined) args.push('-p', `${port}`);
    if (user !== undefined) args.push('-l', user);
    if (identityFile !== undefined) args.push('-i', identityFile);
    // Of a group of its own: what a terminal sends to this program must not end the stream first.
    this.#child = spawn('ssh', [...args, '--', host, command], { detached: true });
    const { stdin, stdout, stderr } = this.#child;
    let complaint = '';
    stdin?.on('error', () => {});
    stderr?.setEncoding('utf8').on('data', (text) => {
      complaint = (complaint + text).slice(-4096);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('error', ({ code, message }) => resolve({ code, complaint: message }));
      this.#child.once('exit', (code) => {
        // A master connection that it may have left in the background keeps its error output open.
        setImmediate(() => {
          stderr.destroy();
          resolve({ code, complaint });
        });
      });
    });
    this.#child.unref();
    stderr?.unref();
    this.stream = { readable: stdout, writable: stdin };
  }

  /** Ends its input, whereupon the command ends. Resolves like {@link ended}; killed after `patienceMs`. */
  async end(patienceMs) {
    this.#child.ref();
    this.stream.writable?.end();
    this.stream.readable?.resume();
    const patience = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: patience.signal }).then(
      () => this.#child.kill('SIGKILL'),
      () => {},
    );
    try {
      return await this.ended;
    } finally {
      patience.abort();
      await late;
    }
  }
}

/**
 * A shell script with its arguments as one word after another for a login shell, of whatever kind: quotes are the same
 * in all of them as long as there is nothing to escape.
 */
export function shellCommand(script, ...args) {
  const words = [script, 'companion', ...args].map((word) => {
    const line = word.trim().replace(/\s*\n\s*/g, ' ');
    if (/['\\!]/.test(line)) throw new Error(`this cannot be quoted for every shell: ${line}`);
    return `'${line}'`;
  });
  return `exec sh -c ${words.join(' ')}`;
}

/** Why ssh(1) has failed, from what it said: the last line that is not a note of the connection's. */
export function explain({ code, complaint }, { host }) {
  if (code === 'ENOENT') {
    return { reason: 'ssh is not installed', hint: 'On Debian: apt-get install openssh-client' };
  }
  const lines = complaint.split(/\r?\n/).map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !/^(Warning|debug\d): /.test(line));
  const reason = `${host}: ${said.at(-1) ?? `ssh has ended with ${code}`}`;
  const [, hint] = HINTS.find(([pattern]) => pattern.test(complaint)) ?? [];
  return { reason, hint };
}

const HINTS = [
  [
    /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    'The machine shows another key than before: find out why before you trust it.',
  ],
  [/Host key verification failed/, 'Call ssh with this machine once by hand, and compare its key.'],
  [/Permission denied/, 'Load a key with ssh-add, or name one with identityFile: nobody can be asked here.'],
  [/Connection refused/, 'No ssh server listens there: start it, or name its port.'],
  [/timed out|No route to host|Network is unreachable/, 'See whether the machine runs and can be reached.'],
  [/Could not resolve hostname/, 'See whether the name is right.'],
];

function isText(value) {
  return typeof value === 'string' && value !== '' && !/[\0\n]/.test(value);
}

function shown(value) {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
